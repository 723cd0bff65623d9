"""`autoact tools [TASK.yaml]`: the tool library, or the tools of a task, and whether they can be used here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from autoact.core.task import Task

COLUMNS = ("name", "definition", "usage", "needs")


def tools(
    task_file: Annotated[Path | None, typer.Argument(metavar="TASK.yaml", help="A task file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the tool library, or the tools of a task: name, definition, usage, what each needs and lacks here."""
    from autoact.cli.display import console, print_json, safe, table
    from autoact.core.records import to_json
    from autoact.core.task import load_task
    from autoact.tools.toolbox import listing

    task = load_task(task_file) if task_file else None
    lines = listing(task)
    recorded = cassette(task)
    if as_json:
        print_json({"tools": [to_json(line) for line in lines], **({"cassette": recorded} if recorded else {})})
        return
    listed = table("", *COLUMNS, "here")
    for line in lines:
        shown = (getattr(line, column) for column in COLUMNS)
        listed.add_row(*(safe(text) for text in shown), safe(f"no: {line.missing}" if line.missing else "yes"))
    console().print(listed)
    if recorded:
        console().print(safe(f"cassette: {recorded['answers']} answers, {len(recorded['drifts'])} no longer match"))


def cassette(task: Task | None) -> dict[str, Any]:
    """What the task's cassette holds; nothing without one."""
    from autoact.core.records import to_json
    from autoact.tools.cassette import Cassette

    if task is None or not task.cassette or not task.path(task.cassette).exists():
        return {}
    recorded = Cassette(task.path(task.cassette), read_only=True)
    return {"answers": len(recorded), "drifts": [to_json(drift) for drift in recorded.drifts()]}
