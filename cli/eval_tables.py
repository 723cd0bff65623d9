"""What `autoact eval` prints: the methods there are, and a report as tables of at most 120 columns.

print_methods(as_json=False)
print_report(report)            # what does not fit is in report.html, and the last line says where that is
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from autoact.eval.report import Report, Row
    from autoact.eval.scores import Figures, Interval

TOKENS = ("input_tokens", "output_tokens")
WIDE_LEVELS = 4  # with more levels the intervals are left to the report
MOST_LEVELS = 8  # with more, all of it is
NAMED = 5


def print_methods(as_json: bool) -> None:
    """The methods there are, and the teams that must be trained for some."""
    from autoact.cli.display import console, print_json, table
    from autoact.eval.methods import METHODS

    if as_json:
        fields = ("id", "about", "paper", "team", "shots", "trials", "oracle")
        print_json({"methods": [{name: getattr(method, name) for name in fields} for method in METHODS]})
        return
    listed = table("", "method", "what it is", "in the paper", "team to train", ">shots")
    for method in METHODS:
        told = " (uses the gold answer)" if method.oracle else ""
        listed.add_row(method.id, method.about + told, method.paper, method.team, str(method.shots or ""))
    console().print(listed)


def print_report(report: Report) -> None:
    """The methods side by side, then by level, by what they cost and by how they fail."""
    from autoact.cli.display import console, one_line, tool_calls_table

    screen = console()
    screen.print(rewards_table(report))
    levels = len(report.rows[0].scores.levels)
    if 0 < levels <= MOST_LEVELS:
        screen.print(levels_table(report.rows))
    elif levels:
        screen.print(f"Reward by level: there are {levels} levels; {report.page.name} has them all\n")
    screen.print(costs_table(report.rows))
    screen.print(failures_table(report.rows))
    if any(row.reflection for row in report.rows):
        screen.print(reflection_table(report.rows))
    if any(row.tool_calls for row in report.rows):
        screen.print(tool_calls_table({row.method: row.tool_calls for row in report.rows}))
    for line in (*_warnings(report), f"Every play: {report.measured.folder}", f"Report: {report.page}"):
        screen.print(one_line(line), soft_wrap=True)


def rewards_table(report: Report) -> Table:
    """A line a method: reward, interval, exact match, paired difference; then the floors."""
    from autoact.cli.display import one_line, table

    measured = report.measured
    title = f"{measured.benchmark} {measured.split}".strip() + f": {len(measured.pairs)} questions"
    title += f" × {measured.epochs}" if measured.epochs > 1 else ""
    twice = measured.epochs > 1
    against = (f">− {report.against}", "95%, paired", "won–lost") if report.against else ()
    best = (">best of 2 (oracle)",) if twice else ()
    made = table(one_line(title), "method", ">reward", "95% interval", ">exact", *best, *against)
    for row in report.rows:
        figures = row.scores.overall
        best_of_two = (_number(figures.oracle_best_of_two),) if twice else ()
        mark = "*" if row.oracle else ""
        made.add_row(row.method + mark, *_rewarded(figures), _number(figures.exact_match), *best_of_two, *_paired(row))
    made.add_section()
    for floor in report.floors:
        best_of_two = (_number(floor.overall.oracle_best_of_two),) if twice else ()
        expected = (_number(floor.overall.reward), "floor", _number(floor.overall.exact_match))
        made.add_row(floor.name, *expected, *best_of_two, style="dim")
    if any(row.oracle for row in report.rows):
        made.caption, made.caption_justify = "* uses the gold answer", "left"
    return made


def levels_table(rows: Sequence[Row]) -> Table:
    """A line a method, a column a level: mean reward."""
    from autoact.cli.display import one_line, table

    levels = rows[0].scores.levels
    heads = (f">{one_line(name)} ({level.questions})" for name, level in levels.items())
    made = table("Reward by level", "method", *heads, ">mean of levels")
    for row in rows:
        rewards = (_rewarded(row.scores.levels[name]) for name in levels)
        cells = (" ".join(cell) if len(levels) <= WIDE_LEVELS else cell[0] for cell in rewards)
        made.add_row(row.method, *cells, _number(row.scores.mean_of_levels))
    return made


def costs_table(rows: Sequence[Row]) -> Table:
    """A line a method: rounds, calls, tokens and seconds of a question."""
    from autoact.cli.display import table

    columns = (">rounds", ">reflections", ">calls", ">tokens read", ">tokens written", ">p50 s", ">p95 s")
    made = table("Per question", "method", *columns)
    for row in rows:
        costs = row.costs
        read, written = (sum(getattr(role, name) for role in costs.roles.values()) for name in TOKENS)
        counts = (f"{count:.1f}" for count in (costs.rounds, costs.reflections, costs.calls, read, written))
        times = (_number(costs.latency and getattr(costs.latency, name), 2) for name in ("p50", "p95"))
        made.add_row(row.method, *counts, *times)
    return made


def failures_table(rows: Sequence[Row]) -> Table:
    """A line a method: its plays with a reward below 1, by class."""
    from autoact.cli.display import table
    from autoact.eval.taxonomy import CLASSES

    made = table("Plays that failed", "method", *(f">{name}" for name in CLASSES))
    for row in rows:
        made.add_row(row.method, *(str(row.failures[name] or "–") for name in CLASSES))
    return made


def reflection_table(rows: Sequence[Row]) -> Table:
    """A line a method that judges its answers: how well it judged the first one."""
    from autoact.cli.display import table

    made = table(
        "Verdicts on first answers", "method", ">verdicts", ">wrong answers", ">precision", ">recall", ">false alarms"
    )
    for row in rows:
        if row.reflection:
            first = row.reflection.first
            shares = (_number(share) for share in (first.precision, first.recall, first.false_alarms))
            made.add_row(row.method, str(first.verdicts), str(first.wrong_answers), *shares)
    return made


def _warnings(report: Report) -> list[str]:
    """What a reader of the figures must know."""
    lines = list(report.measured.notes)
    learned = report.measured.contaminated
    if learned:
        named = ", ".join(learned[:NAMED]) + (" …" if len(learned) > NAMED else "")
        were = "question was" if len(learned) == 1 else "questions were"
        lines.append(f"Beware: {len(learned)} {were} learned from ({named}).")
    for row in report.rows:
        for play, error in list(row.errors.items())[:1]:
            lines.append(f"{row.method}: {len(row.errors)} plays ended in an error and count as 0, as {play}: {error}")
    return lines


def _rewarded(figures: Figures) -> tuple[str, str]:
    return _number(figures.reward), _interval(figures.interval)


def _paired(row: Row) -> tuple[str, ...]:
    gap = row.difference
    return (f"{gap.mean:+.3f}", _interval(gap.interval, "+"), f"{gap.wins}–{gap.losses}") if gap else ()


def _number(value: Any, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _interval(interval: Interval | None, sign: str = "") -> str:
    return "–" if interval is None else f"[{interval[0]:{sign}.3f}, {interval[1]:{sign}.3f}]"
