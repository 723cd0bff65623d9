"""What models read of tools has a hash, and each tool of a task an origin."""

from __future__ import annotations

from pathlib import Path

from langchain_core.tools import tool

from autoact.core.task import check_task
from autoact.core.versions import OURS, installed
from autoact.tools.fingerprint import card_hashes, noted, origins
from autoact.tools.toolbox import chosen_tools


@tool
def find(words: str) -> str:
    """finds words."""
    return words


def test_a_tool_that_says_something_else_has_another_hash() -> None:
    other = find.model_copy(update={"description": "finds sentences."})
    before, after = card_hashes([find]), card_hashes([other])
    assert before.keys() == {"find", "Finish"}
    assert before["find"] != after["find"]
    assert before["Finish"] == after["Finish"]


def test_the_tools_of_a_task_are_of_a_package_in_a_version(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"title": "Lima", "text": "A city."}\n', "utf-8")
    data = {
        "name": "Toy",
        "description": "Answer.",
        "model": "openai:x",
        "tools": ["Search", "Lookup", "Now"],
        "toolbox": {"Now": {"import": f"{__name__}:find", "local": True}},
        "corpus": "corpus.jsonl",
        "examples": [{"question": "q", "answer": "a"}],
    }
    found = origins(chosen_tools(check_task(data, tmp_path / "task.yaml"), ("Search", "Lookup", "Now")))
    ours = f"{OURS} {installed([OURS])[OURS]}"
    assert found == {"Search": f"{ours}, corpus", "Lookup": ours, "Now": f"{__name__}:find"}


def test_an_origin_that_a_tool_has_is_kept() -> None:
    assert origins([noted(noted(find, "docs 1.2"), "mcp")]) == {"find": "docs 1.2"}
    assert origins([noted(find, ""), find]) == {}
