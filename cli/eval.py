"""`autoact eval RUN`: the reward of methods on held-out questions, side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autoact.core.errors import UserError

if TYPE_CHECKING:
    from autoact.eval.methods import Chosen
    from autoact.graph.run_folder import RunFolder

CORPORA = "corpora"  # where under RUN/eval the paragraphs of benchmarks are written


def evaluate_run(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A run folder of `autoact learn`.")] = None,
    benchmark: Annotated[
        str,
        typer.Option(metavar="NAME|FILE", help="The task's own if left out, hotpotqa, scienceqa or a JSONL file."),
    ] = "",
    split: Annotated[str, typer.Option(help="A split of the task's own benchmark.  [default: dev]")] = "",
    data: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where hotpotqa or scienceqa lies.  [default: AUTOACT_DATA]")
    ] = None,
    corpus: Annotated[
        Literal["pooled", "own", ""],
        typer.Option(metavar="pooled|own", help="Search the paragraphs of all questions, or each one's own."),
    ] = "",
    methods: Annotated[str, typer.Option(help="Methods, with commas between them, or all.")] = "zero-shot,autoact",
    shots: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Demonstrations.  [default: the run's own trajectories]")
    ] = None,
    against: Annotated[str, typer.Option(metavar="METHOD", help="Whom differences are to.")] = "zero-shot",
    epochs: Annotated[int, typer.Option(min=1, help="Times each question is played.")] = 1,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="Sampling temperature; 0 is greedy.")] = 0.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, as many of each level.")] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only play the questions of one of N machines, and report nothing.")
    ] = "",
    endpoint: Annotated[
        str,
        typer.Option(metavar="[ROLE=]URL[;…]", help="A server of the base and the adapters, by their folders' names."),
    ] = "",
    model: Annotated[
        str,
        typer.Option(
            metavar="PROVIDER:NAME", help="Who plays untrained methods instead of the META-AGENT; --endpoint is its."
        ),
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
    from autoact.cli.eval_tables import print_methods, print_report
    from autoact.cli.progress import shown_progress
    from autoact.core.shard import shard_of
    from autoact.eval.benchmark import load_benchmark
    from autoact.eval.evaluate import Options, evaluate_methods, evaluate_shard, require_packages
    from autoact.eval.methods import choose_methods
    from autoact.graph.run_folder import open_run

    if list_methods:
        print_methods(as_json)
        return
    if run is None:
        raise UserError("RUN is missing; give the run folder, as in: autoact eval runs/atlas")
    require_packages()
    opened = open_run(run, endpoint)
    chosen = choose_methods(methods, opened.teams())
    _refuse_stranger(against, methods, chosen)
    if model:
        opened = played_by(model, opened, chosen)
    part = shard_of(shard) if shard else None
    asked = benchmark or opened.task.name
    questions = load_benchmark(asked, opened.task, split, data=data, corpus=corpus, folder=run / "eval" / CORPORA)
    options = Options(epochs, temperature, limit, shots, against, allow_contaminated)
    with shown_progress() as progress:
        if chosen.left_out:
            progress.say(left_out(chosen))
        if part:
            trial = evaluate_shard(opened, questions, chosen.methods, progress, options, part)
            progress.say(f"shard {shard}: {len(trial.pairs)} questions are played, see {trial.folder}")
            return
        report = evaluate_methods(opened, questions, chosen.methods, progress, options)
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)


def left_out(chosen: Chosen) -> str:
    """What `all` leaves out, and the command that would change it."""
    names = ", ".join(chosen.left_out)
    return f"left out, since their teams are not trained: {names} (autoact train RUN --teams {names.replace(' ', '')})"


def played_by(model: str, run: RunFolder, chosen: Chosen) -> RunFolder:
    """The run with another model in its META-AGENT's place. Raises UserError when a method is a trained team's."""
    from autoact.graph.run_folder import META

    trained = [method.id for method in chosen.methods if method.speakers != META]
    if trained:
        raise UserError(f"--model {model} plays methods that are not trained, and {trained[0]} is; leave it out")
    return replace(run, task=run.task.model_copy(update={"model": model, "endpoint": run.endpoint}))


def _refuse_stranger(against: str, methods: str, chosen: Chosen) -> None:
    """Raises UserError when differences are asked for to a method that is not played."""
    if against != "zero-shot" and against not in (method.id for method in chosen.methods):
        raise UserError(f"--against {against} is not played; name it in --methods {methods}, too")
