"""`autoact tools [TASK.yaml]`: the tool library, or the tools of a task, as a model reads about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


def tools(
    task_file: Annotated[Path | None, typer.Argument(metavar="TASK.yaml", help="A task file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the tool library, or the tools of a task: name, definition, usage, what each needs."""
    from autoact.cli.display import console, print_json, safe, table
    from autoact.core.task import load_task
    from autoact.graph.run_folder import corpus_of
    from autoact.tools.library import build_tools

    if task_file is None:
        offered = library()
    else:
        task = load_task(task_file)
        offered = build_tools(task.tools, corpus_of(task))
    entries = [entry(tool) for tool in offered]
    if as_json:
        print_json({"tools": entries})
        return
    listed = table("", "name", "definition", "usage", "needs")
    for each in entries:
        listed.add_row(*(safe(each[column]) for column in ("name", "definition", "usage", "needs")))
    console().print(listed)


def library() -> tuple[BaseTool, ...]:
    """Every tool of the library, over no pages."""
    from autoact.tools.corpus import Corpus
    from autoact.tools.library import OVER_CORPUS, STANDALONE

    nothing = Corpus(())
    over_corpus = (make(nothing) for make in OVER_CORPUS.values())
    return (*over_corpus, *(make() for make in STANDALONE.values()))


def entry(tool: BaseTool) -> dict[str, str]:
    """A tool's card, and what it needs to be of use."""
    from autoact.core.records import to_json
    from autoact.tools.library import OVER_CORPUS, card, input_fields

    needs = ["a corpus"] if tool.name in OVER_CORPUS else []
    injected = set(tool.get_input_jsonschema().get("properties", {})) - set(input_fields(tool))
    if injected:
        needs.append("a page that another tool opened")
    return {**to_json(card(tool)), "needs": ", ".join(needs) or "nothing"}
