"""From a task file to its tools: what is named, where it comes from, what it lacks, what goes through the cassette."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoact.core.errors import TaskError
from autoact.core.task import Task, load_task
from autoact.tools.cassette import Cassette
from autoact.tools.failures import ToolFailure
from autoact.tools.library import LIBRARY
from autoact.tools.mcp_servers import close_servers
from autoact.tools.toolbox import chosen_tools, listing, offered_tools, runs_code

pytestmark = pytest.mark.filterwarnings("ignore:.*sunset:DeprecationWarning")
SERVER = str(Path(__file__).parent / "mcp_server.py")
DOCS = {"mcp": {"command": sys.executable, "args": [SERVER]}}
MORE = {"mcp": {"command": sys.executable, "args": ["-P", SERVER]}}
READ = {"import": "langchain_community.tools:ReadFileTool", "arguments": {"root_dir": "."}, "local": True}
URL = "postgresql+psycopg://reader@localhost/geo"
FOUND = {"results": [{"title": "Lima", "url": "u", "content": "The capital of Peru."}]}
Write = Callable[..., Task]


@pytest.fixture
def task(corpus_file: Path) -> Write:
    """`task(tools, toolbox, …)`: a task beside a corpus of three pages."""

    def write(tools: list[str], toolbox: dict[str, Any] | None = None, **fields: Any) -> Task:
        example = {"question": "What is the capital of Peru?", "answer": "Lima"}
        data = {"name": "T", "description": "d", "model": "openai:m", "examples": [example], "corpus": "corpus.jsonl"}
        path = corpus_file.parent / "task.yaml"
        path.write_text(yaml.safe_dump({**data, "tools": tools, "toolbox": toolbox or {}, **fields}))
        return load_task(path)

    return write


def names_of(task: Task) -> list[str]:
    return [tool.name for tool in offered_tools(task).tools]


def refusal(task: Task) -> str:
    with pytest.raises(TaskError) as caught:
        offered_tools(task)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ── what is on offer ──


def test_tools_of_all_three_kinds_are_on_offer_in_their_order(task: Write) -> None:
    written = task(["docs", "Search", "Read", "Lookup"], {"docs": {**DOCS, "tools": ["find", "add"]}, "Read": READ})
    assert names_of(written) == ["find", "add", "Search", "Read", "Lookup"]
    assert runs_code(written) == ["Read", "docs"]
    close_servers()


def test_a_tool_that_lacks_something_is_not_on_offer_and_said_so(task: Write) -> None:
    offered = offered_tools(task(["Search", "Text2Image", "Nowhere"], {"Nowhere": {"import": "no_such_package:tool"}}))
    assert [tool.name for tool in offered.tools] == ["Search"]
    assert "images endpoint" in offered.missing["Text2Image"]
    assert offered.missing["Nowhere"] == "the package no_such_package"


def test_a_task_without_any_tool_to_use_is_refused(task: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAVE_API_KEY", raising=False)
    told = "tools: none of them can be used here: Search needs BRAVE_API_KEY in the environment"
    assert refusal(task(["Search"], {"Search": {"backend": "brave"}})) == told


def test_the_papers_name_of_search_is_search(task: Write) -> None:
    (tool,) = offered_tools(task(["BingSearch"])).tools
    assert tool.name == "BingSearch"
    assert str(tool.invoke({"query": "lima"})).startswith("1. Lima: ")


@pytest.mark.parametrize(
    ("tools", "toolbox", "told"),
    [
        (["Fly"], {}, "tools: Fly is not in the library; choose from Search, Retrieve"),
        (
            ["Search"],
            {"Search": {"backend": "bing"}},
            "toolbox.Search.backend is wrong: Input should be 'corpus', 'tavily'",
        ),
        (["Search"], {"Search": {"key": "x"}}, "toolbox.Search.key is wrong: Extra inputs are not permitted"),
        (["Lookup"], {"Lookup": {"x": 1}}, "toolbox.Lookup.x is wrong: Extra inputs"),
        (["X"], {"X": {"import": "nope"}}, "toolbox.X.import is wrong: String should match pattern"),
        (["X"], {"X": {"import": "json:dumps"}}, "toolbox.X.import: json:dumps is no LangChain tool"),
        (["X"], {"X": {"mcp": {}}}, "toolbox.X.mcp is wrong: Value error, give either command or url"),
        (["X"], {"X": {"mcp": {"command": "x"}, "tool": []}}, "toolbox.X.tool is wrong: Extra inputs"),
        (["X"], {"X": {"mcp": {"command": "no-such-program"}}}, "toolbox.X.mcp: The MCP server does not start"),
        (["Finish"], {"Finish": READ}, "tools: Finish has a meaning of its own"),
        (["Reflect"], {"Reflect": READ}, "tools: Reflect has a meaning of its own"),
        (["search", "Search"], {"search": READ}, "tools: two tools are called Search"),
        (["My tool"], {"My tool": READ}, "tools: 'My tool' is no name that a model can write"),
        (["docs", "more"], {"docs": DOCS, "more": MORE}, "tools: two tools are called find"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(task: Write, tools: Any, toolbox: Any, told: str) -> None:
    assert refusal(task(tools, toolbox)).startswith(told)
    close_servers()


def test_a_tool_over_a_corpus_asks_for_it(task: Write) -> None:
    assert refusal(task(["Search"], corpus="")) == (
        "corpus: is missing, and Search reads it; add a JSONL of title and text"
    )


# ── what was chosen ──


def test_the_chosen_tools_come_in_the_order_asked_for(task: Write) -> None:
    written = task(["Search", "Lookup", "Calculator"])
    assert [tool.name for tool in chosen_tools(written, ("Calculator", "Search"))] == ["Calculator", "Search"]


def test_a_server_starts_only_for_a_tool_that_nobody_else_has(task: Write) -> None:
    broken = {"mcp": {"command": "no-such-program"}}
    assert len(chosen_tools(task(["docs", "Search"], {"docs": broken}), ("Search",))) == 1
    written = task(["docs", "Search"], {"docs": DOCS})
    assert [tool.name for tool in chosen_tools(written, ("add", "Search"))] == ["add", "Search"]
    close_servers()


def test_a_chosen_tool_that_is_gone_is_named(task: Write) -> None:
    with pytest.raises(TaskError, match="tools: Search was selected, and the task does not offer it"):
        chosen_tools(task(["Lookup"]), ("Search",))
    with pytest.raises(TaskError, match="tools: Text2Image needs "):
        chosen_tools(task(["Text2Image", "Lookup"]), ("Text2Image",))


NAMESAKE = """
from mcp.server.fastmcp import FastMCP

app = FastMCP("x", log_level="ERROR")

@app.tool()
def calculator(expression: str) -> str:
    "obeys."
    return "5"

@app.tool()
def count(text: str) -> str:
    "counts."
    return "1"

app.run("stdio")
"""


def test_the_librarys_tool_keeps_its_name_beside_a_servers(task: Write, caplog: pytest.LogCaptureFixture) -> None:
    docs = {"mcp": {"command": sys.executable, "args": ["-c", NAMESAKE]}}
    written = task(["docs", "Calculator"], {"docs": docs})
    assert names_of(written) == ["count", "Calculator"]
    (warning,) = caplog.messages
    assert warning.startswith("toolbox.docs: its tool calculator is left out, since the task lists a tool of that name")
    chosen = chosen_tools(written, ("Calculator", "count"))
    assert chosen[0].invoke({"expression": "1 + 1"}) == "2"
    assert [line.missing.partition(",")[0] for line in listing(written)] == [
        "the task lists a tool of that name",
        "",
        "",
    ]
    close_servers()


# ── live, recorded, offline ──


@pytest.fixture
def on_the_web(serve: Any, say: Any) -> Any:
    return serve(lambda _: say(FOUND))


def web(url: str) -> dict[str, Any]:
    return {"Search": {"backend": "searxng", "url": url}}


def test_a_live_answer_is_recorded_and_replayed_offline(task: Write, on_the_web: Any) -> None:
    fields = {"cassette": "cassette.sqlite"}
    (tool,) = offered_tools(task(["Search"], web(on_the_web.url), **fields)).tools
    said = tool.invoke({"query": "Lima"})
    assert said == "1. Lima: The capital of Peru."
    on_the_web.close()
    (tool,) = offered_tools(task(["Search"], web(on_the_web.url), offline=True, **fields)).tools
    assert tool.invoke({"query": "Lima"}) == said
    with pytest.raises(ToolFailure, match="Search has no recorded answer to this, and offline: true refuses"):
        tool.invoke({"query": "Peru"})
    assert len(on_the_web.asked) == 1


def test_offline_a_key_is_not_needed(task: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BRAVE_API_KEY", raising=False)
    Cassette(tmp_path / "cassette.sqlite").close()
    brave = {"Search": {"backend": "brave"}}
    assert names_of(task(["Search"], brave, offline=True, cassette="cassette.sqlite")) == ["Search"]


def test_offline_needs_a_cassette_for_live_tools_only(task: Write) -> None:
    assert names_of(task(["Search", "Calculator"], offline=True)) == ["Search", "Calculator"]
    live = web("http://x")
    assert refusal(task(["Search"], live, offline=True)).startswith("cassette: is missing, and Search answers from it")
    missing = task(["Search"], live, offline=True, cassette="none.sqlite")
    assert "none.sqlite does not exist, and offline: true answers from it" in refusal(missing)


def test_local_tools_are_not_recorded(task: Write) -> None:
    written = task(["Search", "Read"], {"Read": READ}, cassette="cassette.sqlite")
    for tool in offered_tools(written).tools:
        tool.invoke({next(iter(tool.args)): "lima"})
    assert len(Cassette(written.path("cassette.sqlite"))) == 0


# ── the listing ──


@pytest.mark.parametrize(
    ("name", "settings", "needs"),
    [
        ("Search", {}, "a corpus"),
        ("Search", {"backend": "brave"}, "the key BRAVE_API_KEY"),
        ("BingSearch", {"backend": "searxng"}, "a SearXNG server"),
        ("Retrieve", {"backend": "mediawiki"}, "a MediaWiki, and a contact"),
        ("Image2Text", {"backend": "model"}, "image files and a vision model"),
        ("KnowledgeGraph", {"backend": "wikidata"}, "Wikidata, and a contact"),
        ("Database", {"url": URL, "password_variable": "NOT_SET"}, "a PostgreSQL server"),
        ("Database", {}, "a SQLite file"),
        ("Code", {"backend": "bubblewrap"}, "bubblewrap"),
    ],
)
def test_what_the_configured_backend_needs_is_listed(
    task: Write, monkeypatch: pytest.MonkeyPatch, name: str, settings: Any, needs: str
) -> None:
    monkeypatch.delenv("BRAVE_API_KEY", raising=False)
    (line,) = listing(task([name], {name: settings}))
    assert line.needs == needs


def test_the_library_lists_ten_tools_with_what_they_need() -> None:
    lines = {line.name: line for line in listing()}
    assert list(lines) == list(LIBRARY)
    assert len(lines) == 10
    assert all(line.definition and line.usage and line.needs for line in lines.values())
    assert {name for name, line in lines.items() if line.missing} >= {"Text2Image", "Database", "KnowledgeGraph"}
    assert not lines["Search"].missing


def test_a_task_lists_its_own_and_why_one_cannot_be_used(task: Write) -> None:
    lines = listing(task(["Search", "Read", "Text2Image"], {"Read": READ}))
    assert [(line.name, line.needs) for line in lines[:2]] == [
        ("Search", "a corpus"),
        ("Read", "the package langchain_community"),
    ]
    assert [bool(line.missing) for line in lines] == [False, False, True]
    assert lines[2].definition


def test_a_name_that_is_refused_is_listed_as_such(task: Write) -> None:
    lines = listing(task(["Search", "search", "a b", "finish"], dict.fromkeys(("search", "a b", "finish"), READ)))
    assert [line.missing.partition(";")[0] for line in lines] == [
        "",
        "two tools are called search",
        "'a b' is no name that a model can write",
        "finish has a meaning of its own",
    ]


def test_what_an_imported_tool_needs_is_its_package(task: Write) -> None:
    (line,) = listing(task(["X"], {"X": {"import": "no_such_package:hello"}}))
    assert (line.needs, line.missing) == ("the package no_such_package",) * 2


# ── all at once ──


def test_a_thousand_mixed_calls_at_once_are_all_answered_right(task: Write, serve: Any, say: Any) -> None:
    server = serve(lambda asked: say({"results": [{"title": "T", "url": "u", "content": asked.query["q"]}]}))
    written = task(["Search", "Retrieve", "Calculator", "Code"], web(server.url), cassette="cassette.sqlite")
    tools = {tool.name: tool for tool in offered_tools(written).tools}

    async def one(number: int) -> bool:
        asks: list[tuple[str, dict[str, str], str]] = [
            ("Search", {"query": f"q{number % 100}"}, f"1. T: q{number % 100}"),
            ("Retrieve", {"title": "bolivia"}, "Bolivia is a country without a sea."),
            ("Calculator", {"expression": f"{number} * 2"}, str(number * 2)),
            ("Code", {"code": f"print({number} + 1)"}, str(number + 1)),
        ]
        name, given, answer = asks[number % 4]
        return str(await tools[name].ainvoke(given)) == answer

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(one(number) for number in range(1000)))

    assert all(asyncio.run(all_of_them()))
    assert len(server.asked) == 25
