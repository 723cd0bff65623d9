"""`autoact ask RUN "question"`: the trained team answers; --trace shows every turn and who wrote it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autoact.core.errors import EndpointError, UserError

if TYPE_CHECKING:
    from rich.console import Console

    from autoact.core.records import Question, Step, Trajectory
    from autoact.graph.context import Context
    from autoact.graph.run_folder import Planner

NO_ANSWER = 1


def ask(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of `autoact learn`.")],
    question: Annotated[str, typer.Argument(help="The question.")],
    choices: Annotated[
        list[str] | None, typer.Option("--choices", help="An option to choose from; once for each.")
    ] = None,
    endpoint: Annotated[
        str,
        typer.Option(metavar="[ROLE=]URL[;…]", help="A server of the base and the adapters, by their folders' names."),
    ] = "",
    trace: Annotated[bool, typer.Option("--trace", help="Show every step and who wrote it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask the trained team a question. Exits with 1 when it ends without an answer."""
    from autoact.cli.display import console, one_line, plain, print_json
    from autoact.core.records import Question, to_json
    from autoact.graph.run_folder import open_run

    if not question.strip():
        raise UserError("the question is empty; write one")
    if choices and len(choices) < 2:
        raise UserError("--choices is given once; give it for each option, at least twice")
    opened = open_run(run, endpoint)
    shown = Question(question, tuple(choices or ()))
    screen = console(stderr=as_json)

    def follow(step: Step) -> None:
        if trace:
            print_step(screen, step)

    trajectory = watch(opened.planner(), shown, opened.settings(), follow)
    if as_json:
        print_json({"question": question, **to_json(trajectory)})
    elif trajectory.answer:
        print(plain(trajectory.answer))
    if not trajectory.answer:
        console(stderr=True).print(f"no answer ({trajectory.status}) {one_line(trajectory.error)}", soft_wrap=True)
        raise typer.Exit(NO_ANSWER)


def watch(graph: Planner, question: Question, settings: Context, seen: Callable[[Step], None]) -> Trajectory:
    """Play one question; `seen` gets each step as it ends. Raises EndpointError when a model failed."""
    from dataclasses import asdict

    from autoact.core.records import Step, from_json
    from autoact.graph.run import trajectory_of

    given = {name: value for name, value in asdict(question).items() if value}
    state: dict[str, Any] = {}
    count = 0
    for state in graph.stream(given, context=settings, stream_mode="values"):
        steps = state.get("steps", [])
        for step in steps[count:]:
            seen(from_json(Step, step))
        count = len(steps)
    trajectory = trajectory_of(state, "ask/0", "ask")
    if trajectory.status == "error":
        raise EndpointError(f"the question could not be played ({trajectory.error}); see to the model, ask again")
    return trajectory


def print_step(screen: Console, step: Step) -> None:
    """One step, a line a turn: the role, the adapter or model that wrote it, and what it says."""
    from rich.table import Table

    from autoact.cli.display import safe

    grid = Table.grid(padding=(0, 2))
    for width in (11, 20, None):
        grid.add_column(min_width=width, no_wrap=width is not None, overflow="fold")
    for role, text in turns_of(step):
        style = "dim" if role == "observation" else ""
        grid.add_row(safe(role, "bold"), safe(step.wrote.get(role, ""), "cyan"), safe(text, style))
    screen.print(grid)


def turns_of(step: Step) -> list[tuple[str, str]]:
    """Who speaks in a step, and what is said."""
    from autoact.core.records import REFLECT

    if step.tool == REFLECT:
        return [("reflect", f"{step.thought} → {step.argument or 'no verdict'}")]
    turns = [("plan", f"{step.thought} → {step.tool or 'no action'}")]
    if "tool" in step.wrote:
        turns.append(("tool", step.argument))
    return [*turns, ("observation", step.observation)] if step.observation else turns
