"""`autoact eval RUN`: the reward of methods on held-out questions, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoact.core.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from autoact.eval.report import Report
    from autoact.eval.scores import Interval


def evaluate_run(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A run folder of `autoact learn`.")] = None,
    benchmark: Annotated[
        str,
        typer.Option(metavar="NAME|FILE", help="The task's name or a JSONL file; the task's own if left out."),
    ] = "",
    split: Annotated[str, typer.Option(help="A split of the task's own benchmark.  [default: dev]")] = "",
    methods: Annotated[str, typer.Option(help="Methods, with commas between them, or all.")] = "all",
    epochs: Annotated[int, typer.Option(min=1, help="Times each question is played.")] = 1,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="Sampling temperature; 0 is greedy.")] = 0.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many questions.")] = None,
    endpoint: Annotated[
        str, typer.Option(metavar="URL", help="A server of the base and the adapters, by their folders' names.")
    ] = "",
    allow_contaminated: Annotated[
        bool,
        typer.Option("--allow-contaminated", help="Report questions that were learned from; do not refuse."),
    ] = False,
    list_methods: Annotated[bool, typer.Option("--list-methods", help="Print the methods and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure methods on a benchmark; the same command again resumes an evaluation that was stopped."""
    from autoact.cli.display import print_json
    from autoact.cli.progress import shown_progress
    from autoact.eval.benchmark import load_benchmark
    from autoact.eval.methods import choose_methods
    from autoact.eval.report import report_on
    from autoact.graph.run_folder import open_run

    if list_methods:
        print_methods(as_json)
        return
    if run is None:
        raise UserError("RUN is missing; give the run folder, as in: autoact eval runs/atlas")
    chosen = choose_methods(methods)
    opened = open_run(run, endpoint)
    questions = load_benchmark(benchmark or opened.task.name, opened.task, split)
    with shown_progress() as progress:
        report = report_on(
            opened,
            questions,
            chosen,
            opened.planner,
            progress,
            epochs=epochs,
            temperature=temperature,
            limit=limit,
            allow_contaminated=allow_contaminated,
        )
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)


def print_methods(as_json: bool) -> None:
    """The methods there are."""
    from autoact.cli.display import console, print_json, table
    from autoact.core.records import to_json
    from autoact.eval.methods import METHODS

    if as_json:
        print_json({"methods": [to_json(method) for method in METHODS]})
        return
    listed = table("", "method", "what it is", "needs adapters")
    for method in METHODS:
        listed.add_row(method.id, method.about, "yes" if method.needs_adapters else "no")
    console().print(listed)


def print_report(report: Report) -> None:
    """The methods side by side, then by level and by what they cost."""
    from autoact.cli.display import console, one_line, tool_calls_table

    screen = console()
    screen.print(rewards_table(report))
    if any(row.scores.levels for row in report.rows):
        screen.print(levels_table(report))
    screen.print(usage_table(report))
    screen.print(tool_calls_table({row.method: row.tool_calls for row in report.rows}))
    if report.contaminated:
        some = one_line(", ".join(report.contaminated[:5]))
        screen.print(f"Beware: {len(report.contaminated)} questions were learned from ({some} …).", soft_wrap=True)
    screen.print(f"Every trajectory: {one_line(str(report.trial.folder))}", soft_wrap=True)


def rewards_table(report: Report) -> Table:
    """A line a method: reward, interval, exact match, paired difference."""
    from autoact.cli.display import one_line, table

    split = f" {report.benchmark.split}" if report.benchmark.split else ""
    title = f"{one_line(report.benchmark.name)}{split}: {len(report.trial.pairs)} questions"
    title += f" × {report.trial.epochs}" if report.trial.epochs > 1 else ""
    columns = ("method", ">reward", "95% interval", ">exact match", ">− zero-shot", "95%, paired", "won–lost")
    made = table(title, *columns, ">rounds", "status")
    for row in report.rows:
        scores, gap = row.scores, row.difference
        paired = (f"{gap.mean:+.3f}", _interval(gap.interval, "+"), f"{gap.wins}–{gap.losses}") if gap else ("",) * 3
        statuses = ", ".join(f"{count} {status}" for status, count in scores.statuses.items())
        made.add_row(
            row.method,
            f"{scores.reward:.3f}",
            _interval(scores.interval),
            f"{scores.exact_match:.3f}",
            *paired,
            f"{scores.rounds:.1f}",
            statuses,
        )
    return made


def levels_table(report: Report) -> Table:
    """A line a level, a column a method: mean reward."""
    from autoact.cli.display import safe, table

    made = table("Reward by level", "level", ">questions", *(f">{row.method}" for row in report.rows))
    for name, level in report.rows[0].scores.levels.items():
        rewards = (f"{row.scores.levels[name].reward:.3f}" for row in report.rows)
        made.add_row(safe(name), str(level.questions), *rewards)
    return made


def usage_table(report: Report) -> Table:
    """A line a method and role: calls and tokens per question."""
    from autoact.cli.display import table

    made = table("Per question", "method", "role", ">calls", ">tokens read", ">tokens written")
    for row in report.rows:
        played = row.scores.questions * row.scores.epochs
        for role, spent in row.scores.usage.items():
            counts = (spent.get(name, 0) / played for name in ("calls", "input_tokens", "output_tokens"))
            made.add_row(row.method, role, *(f"{count:.1f}" for count in counts))
    return made


def _interval(interval: Interval, sign: str = "") -> str:
    return f"[{interval[0]:{sign}.3f}, {interval[1]:{sign}.3f}]"
