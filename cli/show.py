"""`autoact show RUN`: how far a run is, what each stage brought and cost, what was kept and what was not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of `autoact learn`.")],
    samples: Annotated[
        int, typer.Option(min=0, metavar="N", help="So many samples of what was kept, and of each reason to drop.")
    ] = 2,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as one HTML page, with charts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a run: yields, tools, costs, rewards, losses, samples, and what its team was made of."""
    from autoact.cli.display import console, one_line, print_json
    from autoact.cli.overview import overview

    seen = overview(run, samples)
    if html is not None:
        from autoact.cli.learning_page import write_page

        write_page(html, seen)
    if as_json:
        print_json(seen)
    elif html is None:
        print_overview(seen)
    else:
        console().print(one_line(str(html)), soft_wrap=True)


def print_overview(seen: dict[str, Any], samples: bool = True) -> None:
    """The overview as tables."""
    from autoact.cli import show_tables as tables
    from autoact.cli.display import console, tool_calls_table

    screen = console()
    screen.print(tables.stages(seen))
    for line in tables.selection(seen):
        screen.print(line, soft_wrap=True)
    screen.print(tables.yields(seen))
    if len(seen["rounds"]) > 1 or any(each["dev_questions"] for each in seen["rounds"]):
        screen.print(tables.rounds(seen))
    if seen["tool_calls"]:
        screen.print(tool_calls_table({"": seen["tool_calls"]}))
    if seen["engine"]:
        screen.print(tables.engine(seen["engine"]))
    if any(each["adapters"] for each in seen["rounds"]):
        screen.print(tables.training(seen))
    if seen["held_out_losses"]:
        screen.print(tables.losses(seen["held_out_losses"]))
    if seen["evaluations"]:
        screen.print(tables.evaluations(seen["evaluations"]))
    for line in tables.provenance(seen["provenance"]):
        screen.print(line, soft_wrap=True)
    for line in tables.samples(seen["samples"]) if samples else ():
        screen.print(line, soft_wrap=True)
