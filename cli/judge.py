"""`autoact judge TRIAL METHOD METHOD …`: humans, or a model, compare the trajectories of several methods, blind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from autoact.eval.agreement import Poll, Results
    from autoact.serve.judging.sitting import Sitting
    from autoact.serve.judging.votes import Votes

JUDGES = 5
FOR_PAGE = ("fastapi", "uvicorn", "python_multipart")
FOR_RESULTS = ("krippendorff",)


def judge(
    trial: Annotated[
        Path, typer.Argument(metavar="TRIAL", help="An evaluation, RUN/eval/…, or a RUN that holds exactly one.")
    ],
    methods: Annotated[
        list[str] | None,
        typer.Argument(metavar="METHOD…", help="What to compare; left out, what the votes on disk are about."),
    ] = None,
    questions: Annotated[
        int | None, typer.Option(min=1, help="So many questions, drawn by the seed; with METHOD….  [default: all]")
    ] = None,
    judges: Annotated[
        int | None, typer.Option(min=1, help=f"Judges that a question needs; with METHOD….  [default: {JUDGES}]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Draws the questions and the orders; with METHOD….  [default: 0]")
    ] = None,
    votes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where votes are kept.  [default: TRIAL/judging.sqlite]")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen at; others than this machine's own need a key.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes any that is free.")] = 8000,
    llm: Annotated[str, typer.Option(metavar="MODEL", help="Let provider:model judge every question, and leave.")] = "",
    endpoint: Annotated[str, typer.Option(metavar="URL", help="The server of --llm, if it is OpenAI-compatible.")] = "",
    export: Annotated[bool, typer.Option("--export", help="Print the results and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --export: print one JSON object.")] = False,
) -> None:
    """Serve the judging page until Ctrl-C; the same command goes on with the votes that are there."""
    from autoact.core.errors import UserError
    from autoact.serve.judging.cases import drawn_poll, load_cases, trial_in
    from autoact.serve.judging.sitting import Sitting
    from autoact.serve.judging.votes import Votes

    if as_json and not export:
        raise UserError("--json prints results: give --export too")
    folder = trial_in(trial)
    kept = Votes(votes or folder / "judging.sqlite")
    if methods:
        poll = drawn_poll(folder, methods, questions, judges or JUDGES, seed or 0)
        (kept.check if export else kept.begin)(poll)
    else:
        check_options(kept.poll(), questions, judges, seed)
    if export:
        print_results(kept, as_json)
        return
    sitting = Sitting(poll := kept.poll(), load_cases(folder, poll), kept)
    if llm:
        judge_by(llm, endpoint, sitting)
    else:
        serve_page(sitting, host, port)


def check_options(poll: Poll, questions: int | None, judges: int | None, seed: int | None) -> None:
    """Raises UserError when an option that is given says otherwise than the poll that goes on."""
    from autoact.core.errors import UserError

    given = {"--questions": questions, "--judges": judges, "--seed": seed}
    kept = {"--questions": len(poll.questions), "--judges": poll.judges, "--seed": poll.seed}
    for option, value in given.items():
        if value not in (None, kept[option]):
            raise UserError(f"the votes on disk have {option} {kept[option]}; leave {option} {value} out")


def serve_page(sitting: Sitting, host: str, port: int) -> None:
    """Serve the page until Ctrl-C."""
    from contextlib import closing

    from autoact.cli.serve import key_in_environment, require

    require("serve", FOR_PAGE)
    from autoact.serve.judging.app import app
    from autoact.serve.server import bound, http_server, listen, url_of

    key = key_in_environment("")
    with closing(bound(host, port, key)) as listener:
        api = app(sitting, key)
        listen(listener)
        print(f"Judging at {url_of(listener)} (Ctrl-C ends it)", flush=True)
        http_server(api).run(sockets=[listener])


def judge_by(spec: str, endpoint: str, sitting: Sitting) -> None:
    """Let a model judge what it has not judged yet."""
    from autoact.cli.display import console, one_line
    from autoact.cli.progress import shown_progress
    from autoact.models.load import close_model, load_model
    from autoact.serve.judging.model_judge import judge_by_model

    model = load_model(spec, endpoint)
    try:
        with shown_progress() as progress:
            left = judge_by_model(sitting, model, spec, progress)
    finally:
        close_model(model)
    again = f"; what it said on {left} could not be read, and the same command asks again" if left else ""
    console().print(one_line(f"{spec} has judged {len(sitting.cases) - left} of {len(sitting.cases)} questions{again}"))


def print_results(votes: Votes, as_json: bool) -> None:
    """What the votes have come to."""
    from autoact.cli.display import console, print_json
    from autoact.cli.serve import require
    from autoact.core.records import to_json
    from autoact.eval.agreement import results_of

    require("eval", FOR_RESULTS)
    results = results_of(votes.poll(), votes.all())
    if as_json:
        print_json(to_json(results))
        return
    screen = console()
    screen.print(humans_table(results))
    if results.models:
        screen.print(models_table(results))


def humans_table(results: Results) -> Table:
    """A line an aspect: the share of closed questions that each method won, and how far the judges agree."""
    from autoact.cli.display import one_line, table

    poll = results.poll
    title = f"{results.judges} judges, {results.closed} of {len(poll.questions)} questions closed: questions won"
    made = table(
        one_line(title), "aspect", *(f">{choice}" for choice in poll.choices), ">undecided", ">votes", ">alpha"
    )
    for row in results.aspects:
        won = [_share(count, results.closed) for count in (*row.won.values(), row.undecided)]
        alpha = "–" if row.alpha is None else f"{row.alpha:.3f}"
        made.add_row(row.aspect, *won, str(sum(row.votes.values())), alpha)
    return made


def models_table(results: Results) -> Table:
    """A line a model and aspect: the share of its votes, and how often it is of the humans' majority."""
    from autoact.cli.display import safe, table

    columns = ("judge", "aspect", *(f">{choice}" for choice in results.poll.choices), ">votes", ">as humans")
    made = table("Models as judges", *columns)
    for row in results.models:
        total = sum(row.votes.values())
        shares = [_share(count, total) for count in row.votes.values()]
        made.add_row(safe(row.judge), row.aspect, *shares, str(total), f"{row.agreed} of {row.compared}")
    return made


def _share(count: int, total: int) -> str:
    return f"{count / total:.0%}" if total else "–"
