"""The front door: `autoact COMMAND`, one file of this room per command.

Commands import what they need when they run, so that `autoact --help` answers at once.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from autoact.cli.ask import ask
from autoact.cli.display import spell_unprintable
from autoact.cli.engine import engine
from autoact.cli.errors import reported
from autoact.cli.eval import evaluate_run
from autoact.cli.example import example
from autoact.cli.grid import grid
from autoact.cli.judge import judge
from autoact.cli.learn import learn
from autoact.cli.push import push
from autoact.cli.serve import serve
from autoact.cli.show import show
from autoact.cli.tools import tools
from autoact.cli.train import train
from autoact.cli.view import view

RESUMABLE = ("learn", "train", "eval", "grid", "judge", "push")


class FrontDoor(TyperGroup):
    """The group of all commands; their errors are reported here and nowhere else."""

    def invoke(self, ctx: Any) -> Any:
        spell_unprintable()
        with reported(lambda: ctx.invoked_subcommand in RESUMABLE):
            return super().invoke(ctx)


app = typer.Typer(
    cls=FrontDoor,
    help="Agents that learn from scratch: a task file in, a trained team of agents out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("learn")(learn)
app.command("train")(train)
app.command("ask")(ask)
app.command("eval")(evaluate_run)
app.command("grid")(grid)
app.command("show")(show)
app.command("view")(view)
app.command("judge")(judge)
app.command("push")(push)
app.command("serve")(serve)
app.command("engine")(engine)
app.command("tools")(tools)
app.command("example")(example)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"autoact {version('langgraph-autoact')}")
        raise typer.Exit


@app.callback()
def front(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Agents that learn from scratch: a task file in, a trained team of agents out."""
