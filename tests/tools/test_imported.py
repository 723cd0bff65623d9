"""Any LangChain tool by import path; a path or an argument that is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool

from autoact.core.errors import TaskError
from autoact.tools.failures import ToolFailure
from autoact.tools.imported import Settings, imported_tool, live, missing
from autoact.tools.library import card, input_fields, takes_text
from autoact.tools.live import Live

# langchain-community says at every import that nobody looks after it any more.
pytestmark = pytest.mark.filterwarnings("ignore:.*sunset:DeprecationWarning")


def settings(path: str, **arguments: Any) -> Settings:
    return Settings.model_validate({"import": path, "arguments": arguments})


def tool_of(path: str, **arguments: Any) -> BaseTool:
    return imported_tool("Mine", settings(path, **arguments))


# ── four tools of langchain-community ──


def test_a_tool_that_reads_files_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("hello")
    read = tool_of("langchain_community.tools:ReadFileTool", root_dir=str(tmp_path))
    assert read.name == "Mine"
    assert takes_text(input_fields(read))
    assert read.invoke({"file_path": "note.txt"}) == "hello"
    assert "Access denied" in read.invoke({"file_path": "../note.txt"})


def test_a_tool_over_an_object_that_is_imported_too() -> None:
    spec = {"import": "langchain_community.tools.json.tool:JsonSpec", "arguments": {"dict_": {"capital": "Lima"}}}
    value = tool_of("langchain_community.tools.json.tool:JsonGetValueTool", spec=spec)
    assert value.invoke({"tool_input": 'data["capital"]'}) == "Lima"
    assert "\n" not in card(value).definition


def test_a_tool_over_a_database() -> None:
    engine = "langchain_community.utilities:SQLDatabase.from_uri"
    db = {"import": engine, "arguments": {"database_uri": "sqlite://"}}
    assert (
        tool_of("langchain_community.tools:QuerySQLDatabaseTool", db=db).invoke({"query": "select 1 + 1"}) == "[(2,)]"
    )


def test_a_tool_that_asks_a_server(serve: Any, say: Any) -> None:
    page = {"query": "Lima", "results": [{"title": "Lima", "content": "The capital.", "url": "u", "engines": ["x"]}]}
    server = serve(lambda _: say({**page, "answers": [], "infoboxes": [], "suggestions": []}))
    wrapper = {
        "import": "langchain_community.utilities:SearxSearchWrapper",
        "arguments": {"searx_host": server.url, "unsecure": True},
    }
    searx = settings("langchain_community.tools.searx_search.tool:SearxSearchRun", wrapper=wrapper)
    found = Live().wrap(imported_tool("Mine", searx), live(searx), searx)
    assert [found.invoke({"query": "Lima"}) for _ in range(2)] == ["The capital."] * 2
    assert [asked.query["q"] for asked in server.asked] == ["Lima"]
    server.close()
    with pytest.raises(ToolFailure, match="Mine failed: ConnectionError"):
        found.invoke({"query": "Peru"})


# ── other ways to name one ──


def test_a_tool_that_is_made_already_is_named_without_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from langchain_core.tools import tool\n@tool\ndef dice() -> str:\n    'throws a die.'\n    return '4'\n"
    (tmp_path / "my_dice.py").write_text(source)
    (tmp_path / "my_broken.py").write_text("raise RuntimeError('no\\nway')")
    monkeypatch.syspath_prepend(tmp_path)
    assert tool_of("my_dice:dice").invoke({}) == "4"
    with pytest.raises(TaskError, match=r"^toolbox\.Mine\.arguments: my_dice:dice is a tool already and takes none"):
        tool_of("my_dice:dice", sides=6)
    with pytest.raises(TaskError, match=r"my_broken:dice cannot be loaded \(RuntimeError: no way\)"):
        tool_of("my_broken:dice")


def test_a_local_tool_says_what_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("\x1b[31m" + "x" * 10_000)
    arguments = {"root_dir": str(tmp_path)}
    read = imported_tool("Mine", Settings.model_validate({"import": READ, "arguments": arguments, "local": True}))
    said = read.invoke({"file_path": "note.txt"})
    assert (len(said), said[:5]) == (4000, " [31m")


def test_code_that_ends_the_process_is_an_error_of_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_exit.py").write_text("import sys\nsys.exit('bye')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TaskError, match=r"my_exit:tool cannot be loaded \(SystemExit: bye\)"):
        tool_of("my_exit:tool")
    with pytest.raises(TaskError, match=r"exit cannot be made of them \(SystemExit: "):
        tool_of(READ, root_dir={"import": "sys:exit"})
    assert missing(settings("__main__:tool")) == ""
    with pytest.raises(TaskError, match="__main__ has no no_such_tool; correct the path"):
        tool_of("__main__:no_such_tool")


READ = "langchain_community.tools:ReadFileTool"


@pytest.mark.parametrize(
    ("path", "arguments", "told"),
    [
        (
            "no_such_package:tool",
            {},
            "import: no_such_package cannot be imported (No module named 'no_such_package'); install",
        ),
        ("json.nothing:tool", {}, "import: json.nothing cannot be imported"),
        ("json:nothing", {}, "import: json has no nothing; correct the path"),
        ("json:dumps", {}, "import: json:dumps is no LangChain tool; name a tool or its class"),
        ("json:JSONDecoder", {}, "import: json:JSONDecoder is no LangChain tool"),
        (READ, {"rootdir": "/"}, "arguments: ReadFileTool cannot be made of them (TypeError: got an unexpected"),
        (READ, {"root_dir": [1]}, "arguments: ReadFileTool cannot be made of them (ValidationError: "),
        (READ, {"root_dir": {"import": "json:nothing"}}, "arguments.root_dir.import: json has no nothing"),
        (READ, {"root_dir": {"import": "json:dumps", "obj": 1}}, "arguments.root_dir.obj is not known beside import"),
        (
            READ,
            {"root_dir": {"import": "json:dumps", "arguments": 5}},
            "arguments.root_dir.arguments must be a mapping",
        ),
        (READ, {"root_dir": {"import": "json:dumps"}}, "arguments.root_dir.arguments: dumps cannot be made of them"),
    ],
)
def test_what_is_wrong_is_named(path: str, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError) as caught:
        tool_of(path, **arguments)
    assert str(caught.value).startswith(f"toolbox.Mine.{told}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["", "json", "json:", ":tool", ".json:tool", "json..x:y", "a b:c", "json:tool:x", "../x:y"]
)
def test_a_path_has_a_module_and_a_name(path: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        settings(path)


def test_what_a_tool_needs_and_how_it_is_recorded() -> None:
    assert missing(settings("no_such_package.x:y")) == "the package no_such_package"
    assert missing(settings(READ)) == ""
    assert live(settings(READ)).startswith(f"{READ} 0.4")
    assert live(Settings.model_validate({"import": READ, "local": True})) == ""
    assert live(settings("json:dumps")) == "json:dumps"
