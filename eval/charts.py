"""The report's charts: reward by level, cost, size of the training set (Fig. 3), division of labour (Fig. 4).

    for chart in charts(report.rows):
        chart.title, chart.svg

A chart is drawn only when the methods it compares were played.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from autoact.core.text import storable
from autoact.eval.methods import SIZED
from autoact.eval.report import Row
from autoact.eval.scores import Figures
from autoact.eval.svg import svg_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#d1495b", "#2e86ab", "#c98a1b", "#5a9e5d", "#8e6bbf", "#777777")
MARKERS = "os^DvpX<>*P"  # as many as share no divisor with the colours: every pair comes up before one comes again
SERIES = len(COLOURS) * len(MARKERS)
WIDTH = 7.2
DIVISIONS = {"one-agent": "One", "autoact": "Three", "tool-agents": "Tool-specified"}


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing; `about` says in words what it shows."""

    name: str
    title: str
    about: str
    svg: str


def charts(rows: Sequence[Row]) -> tuple[Chart, ...]:
    """The charts that these methods give."""
    sized = sorted((row for row in rows if row.method.startswith(SIZED)), key=_size)
    divided = [row for row in rows if row.method in DIVISIONS]
    drawn = [
        _chart("levels", "Reward by level", "Mean reward and 95% interval of each method, by level.", _levels, rows),
        _chart("costs", "Cost and reward", "Tokens a question against mean reward of each method.", _costs, rows),
    ]
    if len(sized) > 1:
        about = "Mean reward against the number of trajectories trained on, by level (the paper's Fig. 3)."
        drawn.append(_chart("sizes", "Training-set size and reward", about, _sizes, sized))
    if len(divided) > 1:
        about = "Mean reward with one agent, three, or one for each tool, by level (the paper's Fig. 4)."
        named = sorted(divided, key=lambda row: list(DIVISIONS).index(row.method))
        drawn.append(_chart("division", "Division of labour", about, _divisions, named))
    return tuple(drawn)


def _chart(
    name: str, title: str, about: str, draw: Callable[[Figure, Sequence[Row]], None], rows: Sequence[Row]
) -> Chart:
    return Chart(name, title, about, svg_of(lambda figure: draw(figure, rows), name, title, about))


def _levels(figure: Figure, rows: Sequence[Row]) -> None:
    _by_level(figure, rows, [row.method for row in rows])


def _divisions(figure: Figure, rows: Sequence[Row]) -> None:
    _by_level(figure, rows, [DIVISIONS[row.method] for row in rows])


def _by_level(figure: Figure, rows: Sequence[Row], names: Sequence[str]) -> None:
    """A line for each method, a mark for each level on it."""
    levels = _level_names(rows)
    axes = _axes(figure, 0.9 + len(rows) * (0.2 + 0.11 * len(levels)))
    for number, (level, label) in enumerate(zip(levels, _labels(levels), strict=True)):
        shift = (number - (len(levels) - 1) / 2) * 0.7 / len(levels)
        found = [_figures_of(row, level) for row in rows]
        _marks(axes, found, [place + shift for place in range(len(rows))], number, label)
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("reward")
    axes.set_xlim(0, 1)
    axes.grid(axis="x")
    _legend(figure, levels)


def _sizes(figure: Figure, rows: Sequence[Row]) -> None:
    """A curve for each level over the number of trajectories."""
    axes, levels = _axes(figure, 3.6), _level_names(rows)
    for number, (level, label) in enumerate(zip(levels, _labels(levels), strict=True)):
        found = [_figures_of(row, level) for row in rows]
        axes.errorbar(
            [_size(row) for row in rows],
            [each.reward for each in found],
            yerr=_errors(found),
            label=label,
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=4,
            capsize=2,
            linewidth=1.2,
            elinewidth=0.8,
        )
    axes.set_xlabel("trajectories trained on")
    axes.set_ylabel("reward")
    axes.set_ylim(0, 1)
    axes.grid()
    _legend(figure, levels)


def _costs(figure: Figure, rows: Sequence[Row]) -> None:
    """A mark for each method, its name beside it in a column, so that near ones can be told apart."""
    axes = _axes(figure, max(3.2, 0.8 + 0.2 * len(rows)))
    ranked = sorted(rows, key=lambda row: row.scores.overall.reward)
    for row, height in zip(ranked, _spread([row.scores.overall.reward for row in ranked]), strict=True):
        point = (row.costs.tokens, row.scores.overall.reward)
        axes.errorbar(
            *point, yerr=_errors([row.scores.overall]), marker="o", markersize=5, color=COLOURS[1], elinewidth=0.8
        )
        axes.annotate(
            row.method,
            point,
            xytext=(1.03, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "#888888"},
        )
    axes.set_xlabel("tokens a question, read and written")
    axes.set_ylabel("reward")
    axes.set_xlim(0, 1.05 * max(row.costs.tokens for row in rows) or 1)
    axes.set_ylim(-0.02, 1.02)
    axes.grid()


def _spread(heights: Sequence[float]) -> list[float]:
    """The heights, rising, moved apart as far as lines of text need, and kept between 0 and 1."""
    need = min(0.062, 1 / max(1, len(heights) - 1))
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + need) if placed else height)
    for number in reversed(range(len(placed))):
        placed[number] = min(placed[number], 1 - need * (len(placed) - 1 - number))
    return placed


def _axes(figure: Figure, height: float) -> Axes:
    figure.set_size_inches(WIDTH, height)
    return figure.add_subplot()


def _marks(axes: Axes, found: Sequence[Figures], places: Sequence[float], number: int, label: str) -> None:
    axes.errorbar(
        [each.reward for each in found],
        list(places),
        xerr=_errors(found),
        fmt=MARKERS[number % len(MARKERS)],
        color=COLOURS[number % len(COLOURS)],
        markersize=5,
        capsize=2,
        elinewidth=0.9,
        label=label,
    )


def _legend(figure: Figure, levels: Sequence[str]) -> None:
    if len(levels) > 1:
        figure.legend(loc="outside upper center", ncols=min(len(levels), 4), frameon=False)


def _errors(found: Sequence[Figures]) -> list[list[float]]:
    return [
        [max(0.0, each.reward - each.interval[0]) for each in found],
        [max(0.0, each.interval[1] - each.reward) for each in found],
    ]


def _level_names(rows: Sequence[Row]) -> list[str]:
    """The levels, and "" for all questions; that alone where it is the only level, or there are too many to draw."""
    levels = list(rows[0].scores.levels)
    return [*levels, ""] if 1 < len(levels) < SERIES else [""]


def _figures_of(row: Row, level: str) -> Figures:
    return row.scores.levels[level] if level else row.scores.overall


def _labels(levels: Sequence[str]) -> list[str]:
    """Names of the levels, of which those that would look the same are numbered."""
    labels: list[str] = []
    for label in map(_label, levels):
        names = (f"{label} ({number})" if number > 1 else label for number in count(1))
        labels.append(next(name for name in names if name not in labels))
    return labels


def _label(level: str) -> str:
    """A level's name, which comes from a file, as a chart can show it."""
    name = "".join(character if character.isprintable() else "\ufffd" for character in storable(level))
    return (name[:24] or "all").lstrip("_") or "?"  # matplotlib hides what begins with an underscore


def _size(row: Row) -> int:
    return int(row.method.removeprefix(SIZED))
