"""`autoact grid NAME TASK.yaml --out RUN`: learn, train and evaluate what a table or figure of the paper compares.

The same as `autoact learn`, `autoact train` and `autoact eval` one after the other; each goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from autoact.core.progress import Progress
    from autoact.eval.grid import Grid
    from autoact.graph.run_folder import RunFolder


def grid(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE.yaml", help="table2, table3, fig3, fig4, or a file.")],
    task_file: Annotated[Path, typer.Argument(metavar="TASK.yaml", help="The task file.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="The run folder; learned if need be.")],
    teacher: Annotated[
        Path | None, typer.Option("--from", metavar="RUN", help="Add a student of that run's trajectories.")
    ] = None,
    benchmark: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="As for autoact eval.  [default: the task's own]")
    ] = "",
    split: Annotated[str, typer.Option(help="A split of the task's own benchmark.  [default: dev]")] = "",
    data: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where hotpotqa or scienceqa lies.  [default: AUTOACT_DATA]")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many questions.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Times each question is played.  [default: the grid's]")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Replace a field of the learn section; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play a grid of methods, learning and training what it needs; the same command again goes on."""
    from tempfile import TemporaryDirectory

    from autoact.cli.display import print_json
    from autoact.cli.eval import CORPORA
    from autoact.cli.eval_tables import print_report
    from autoact.cli.learn import overrides_of
    from autoact.cli.progress import shown_progress
    from autoact.core.task import load_task
    from autoact.eval.benchmark import load_benchmark
    from autoact.eval.evaluate import Options, evaluate_methods, require_packages
    from autoact.eval.grid import load_grid
    from autoact.graph.run_folder import open_run
    from autoact.training.learn import learn
    from autoact.training.teams import STUDENT, team_name, train_teams

    planned = load_grid(name)
    task = load_task(task_file, overrides=overrides_of(settings or ()))
    taught_by, student = (open_run(teacher), (STUDENT,)) if teacher else (None, ())
    require_packages()
    asked = benchmark or task.name
    # A wrong benchmark is refused before hours are spent; the run folder does not take its paragraphs yet.
    with TemporaryDirectory() as folder:
        load_benchmark(asked, task, split, data=data, folder=Path(folder))
    with shown_progress() as progress:
        learn(task, out, progress)
        run = open_run(out)
        fits = fitting(planned, run, progress)
        train_teams(run, (*fits.teams(), *student), progress, taught_by)
        methods = fits.choose(run.teams(), *(team_name(name, taught_by) for name in student)).methods
        questions = load_benchmark(asked, task, split, data=data, folder=out / "eval" / CORPORA)
        options = Options(epochs or fits.epochs, fits.temperature, limit, against=fits.against)
        report = evaluate_methods(run, questions, methods, progress, options)
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)


def fitting(grid: Grid, run: RunFolder, progress: Progress) -> Grid:
    """The grid without the sizes that the run has not kept, which is said."""
    from autoact.training.variants import played

    count = len(played(run).examples["plan"])
    fits = grid.within(count)
    if left_out := [str(size) for size in grid.sizes if size not in fits.sizes]:
        progress.say(f"sizes {', '.join(left_out)} are left out: {run.path} has {count} trajectories to train on")
    return fits
