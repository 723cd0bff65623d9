"""The charts of a run's page: yields, diversity, losses, rewards by round, tool calls.

    for chart in learning_charts(overview(Path("runs/atlas"))):
        chart.title, chart.svg

A chart is drawn only when there is something to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autoact.cli.show_tables import funnels
from autoact.eval.charts import COLOURS, WIDTH, Chart
from autoact.eval.svg import svg_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OUTCOMES = ("well", "refused", "failed", "timeouts")


def learning_charts(seen: Mapping[str, Any]) -> tuple[Chart, ...]:
    """The charts that this run gives."""
    return tuple(_charts(seen))


def _charts(seen: Mapping[str, Any]) -> Iterator[Chart]:
    if seen["questions"]["generated"]:
        about = "How many drafts, questions and trajectories were left after each step."
        yield _chart("yields", "Yields", about, lambda figure: _yields(figure, seen))
    if len(seen["diversity"]) > 1:
        about = "Questions kept, and how varied they are, against the number of drafts generated."
        yield _chart("diversity", "Diversity", about, lambda figure: _diversity(figure, seen["diversity"]))
    if curves := team_curves(seen):
        about = "Loss of each role's adapter as it was trained, and on what was held out after each epoch."
        yield _chart("losses", "Losses", about, lambda figure: _losses(figure, curves))
    if len(seen["rounds"]) > 1:
        about = "Mean reward of the plays of each round, and of its team on the questions that were held out."
        yield _chart("rounds", "Reward by round", about, lambda figure: _rounds(figure, seen["rounds"]))
    if seen["tool_calls"]:
        about = "Calls of each tool, by how they ended."
        yield _chart("tools", "Tool calls", about, lambda figure: _tools(figure, seen["tool_calls"]))


def team_curves(seen: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Role → how its adapter was trained, in the team's round; of an unfinished run, in the last that has any."""
    number = seen["provenance"].get("round")
    rounds = [each for each in seen["rounds"] if each["adapters"] and number in (None, each["round"])]
    adapters = rounds[-1]["adapters"] if rounds else {}
    return {role: each["curve"] for role, each in adapters.items() if (each.get("curve") or {}).get("steps")}


def _chart(name: str, title: str, about: str, draw: Callable[[Figure], None]) -> Chart:
    return Chart(name, title, about, svg_of(draw, name, title, about))


def _yields(figure: Figure, seen: Mapping[str, Any]) -> None:
    """A bar a step, of questions and of trajectories side by side."""
    parts = funnels(seen)
    tallest = max(len(part) for part in parts)
    figure.set_size_inches(WIDTH, 0.4 + 0.32 * tallest)
    for number, part in enumerate(parts):
        axes = figure.add_subplot(1, len(parts), number + 1)
        places = range(len(part))
        bars = axes.barh(places, [left for _, left, _ in part], color=COLOURS[number + 1], height=0.65)
        axes.bar_label(bars, padding=3)
        axes.set_yticks(places, [step for step, _, _ in part])
        axes.set_ylim(tallest - 0.5, -0.5)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.18)


def _diversity(figure: Figure, curve: Sequence[Mapping[str, Any]]) -> None:
    axes = _axes(figure, 3.0)
    generated = [point["generated"] for point in curve]
    for name, colour, marker in zip(("kept", "answers", "openings"), COLOURS, "os^", strict=False):
        if all(name in point for point in curve):
            label = {"kept": "questions", "answers": "different answers", "openings": "different first three words"}
            values = [point[name] for point in curve]
            axes.plot(generated, values, label=label[name], color=colour, marker=marker, markersize=4, linewidth=1.2)
    axes.set_xlabel("drafts generated")
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.grid()
    axes.legend(frameon=False)


def _losses(figure: Figure, curves: Mapping[str, Mapping[str, Any]]) -> None:
    """A panel a role, over epochs."""
    figure.set_size_inches(WIDTH, 2.6)
    for number, (role, curve) in enumerate(curves.items()):
        axes = figure.add_subplot(1, len(curves), number + 1)
        steps, held_out = curve["steps"], [loss for loss in curve.get("held_out", ()) if loss is not None]
        axes.plot(
            [point["epoch"] for point in steps],
            [point["loss"] for point in steps],
            color=COLOURS[1],
            linewidth=1,
            label="trained on",
        )
        if held_out:
            epochs = range(1, len(held_out) + 1)
            axes.plot(epochs, held_out, color=COLOURS[0], marker="o", markersize=4, linewidth=1.2, label="held out")
        axes.set_title(role, fontsize=9)
        axes.set_xlabel("epoch")
        axes.set_ylim(0)
        axes.grid()
        if number == 0:
            axes.set_ylabel("loss, nats a token")
            axes.legend(frameon=False)


def _rounds(figure: Figure, rounds: Sequence[Mapping[str, Any]]) -> None:
    axes = _axes(figure, 2.8)
    for name, label, colour, marker in (
        ("reward", "plays of the round", COLOURS[1], "o"),
        ("dev", "its team, held-out questions", COLOURS[0], "s"),
    ):
        points = [(each["round"], each[name]) for each in rounds if each[name] is not None]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, color=colour, marker=marker, markersize=5, linewidth=1.2)
    axes.set_xticks([each["round"] for each in rounds])
    axes.set_xlabel("round")
    axes.set_ylabel("mean reward")
    axes.set_ylim(0, 1)
    axes.grid()
    axes.legend(frameon=False)


def _tools(figure: Figure, calls: Mapping[str, Mapping[str, Any]]) -> None:
    axes = _axes(figure, 0.9 + 0.35 * len(calls))
    left = [0] * len(calls)
    for outcome, colour in zip(OUTCOMES, (COLOURS[3], COLOURS[2], COLOURS[0], COLOURS[5]), strict=True):
        counts = [_ended(each, outcome) for each in calls.values()]
        axes.barh(range(len(calls)), counts, left=left, label=outcome, color=colour, height=0.6)
        left = [before + count for before, count in zip(left, counts, strict=True)]
    axes.set_yticks(range(len(calls)), list(calls))
    axes.invert_yaxis()
    axes.set_xlabel("calls")
    axes.grid(axis="x")
    figure.legend(loc="outside upper center", ncols=len(OUTCOMES), frameon=False)


def _ended(counts: Mapping[str, Any], outcome: str) -> int:
    """How many calls ended so; what is not counted otherwise went well."""
    known = {name: int(counts.get(name, 0)) for name in OUTCOMES[1:]}
    return known.get(outcome, max(0, int(counts["calls"]) - sum(known.values())))


def _axes(figure: Figure, height: float) -> Axes:
    figure.set_size_inches(WIDTH, height)
    return figure.add_subplot()
