"""The tools of a real MCP server, over one session that is held, lost and opened again."""

from __future__ import annotations

import asyncio
import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.core.errors import TaskError
from autoact.tools.cassette import Cassette
from autoact.tools.failures import ToolFailure, ToolTimeout, ToolUnreachable
from autoact.tools.library import card
from autoact.tools.live import Live
from autoact.tools.mcp_servers import Settings, close_servers, live, mcp_tools, missing
from autoact.tools.mcp_session import McpServer

HERE = Path(__file__).parent
SERVER: dict[str, Any] = {"command": sys.executable, "args": ["mcp_server.py"]}
Tools = dict[str, BaseTool]
numbers = itertools.count(1000)


@pytest.fixture(autouse=True, scope="module")
def _no_server_is_left() -> Iterator[None]:
    yield
    close_servers()


def settings(server: dict[str, Any] = SERVER, **more: Any) -> Settings:
    return Settings.model_validate({"mcp": server, **more})


def tools_of(wanted: Settings, through: Live | None = None) -> Tools:
    return {tool.name: tool for tool in mcp_tools("docs", wanted, HERE, through or Live())}


def process_of(tools: Tools, words: str = "") -> str:
    """The process of the server; without words of its own the question is a new one."""
    return str(tools["find"].invoke({"words": words or str(next(numbers))})).rpartition(" ")[2]


def test_a_servers_tools_are_what_it_says_they_are() -> None:
    tools = tools_of(settings())
    assert list(tools) == ["find", "add", "refuse", "die", "dawdle", "block"]
    assert (card(tools["find"]).definition, card(tools["find"]).usage) == (
        "Finds pages by their words.",
        "the words alone.",
    )
    assert card(tools["add"]).usage == "one JSON object with a (integer), b (integer)."
    assert tools["add"].invoke({"a": 2}) == "3"
    reply = tools["add"].invoke({"type": "tool_call", "id": "1", "name": "add", "args": {"a": 2, "b": 3}})
    assert (reply.text, reply.artifact["raw"]) == ("5", {"structured_content": {"result": 5}})


def test_a_session_is_held_for_all_calls_threads_and_loops() -> None:
    tools, again = tools_of(settings()), tools_of(settings())

    async def many() -> list[str]:
        said: list[str] = await asyncio.gather(*(tools["find"].ainvoke({"words": str(i)}) for i in range(20)))
        return said

    with ThreadPoolExecutor(8) as pool:
        processes = set(pool.map(lambda number: process_of(again, str(number)), range(20)))
    processes |= {str(said).rpartition(" ")[2] for _ in range(2) for said in asyncio.run(many())}
    assert len(processes) == 1


def test_what_a_tool_refuses_is_its_answer() -> None:
    tools = tools_of(settings())
    with pytest.raises(ToolException, match="not that one") as caught:
        tools["refuse"].invoke({"reason": "not that one"})
    assert not isinstance(caught.value, ToolFailure)
    with pytest.raises(ToolException, match="valid integer"):
        tools["add"].invoke({"a": "x"})


def test_a_server_that_ends_is_unreachable_and_then_starts_again() -> None:
    tools = tools_of(settings())
    first = process_of(tools)
    with pytest.raises(ToolUnreachable, match="The MCP server of die ended"):
        tools["die"].invoke({})
    assert process_of(tools) != first


def test_a_slow_call_is_given_up_and_the_session_stays() -> None:
    tools = tools_of(settings(timeout=0.3))
    first = process_of(tools)
    with pytest.raises(ToolTimeout, match=r"did not answer dawdle within 0\.3 s"):
        tools["dawdle"].invoke({})
    assert process_of(tools) == first


def test_a_server_that_is_stuck_is_started_again() -> None:
    tools = tools_of(settings(timeout=0.3))
    first = process_of(tools)
    with pytest.raises(ToolTimeout):
        tools["block"].invoke({})
    assert process_of(tools) != first


def test_a_server_ends_with_its_session() -> None:
    process = process_of(tools_of(settings()))
    close_servers()
    assert is_gone(process)


def test_only_the_named_tools_are_on_offer() -> None:
    assert list(tools_of(settings(tools=["add", "find"]))) == ["add", "find"]
    with pytest.raises(TaskError, match=r"^toolbox\.docs\.tools: the server has no fly; it has find, add, refuse"):
        tools_of(settings(tools=["fly"]))


@pytest.mark.parametrize(
    "server", [{"command": "no-such-program"}, {"command": sys.executable, "args": ["-c", "print('no MCP')"]}]
)
def test_a_server_that_does_not_start_is_an_error_of_the_task(server: dict[str, Any]) -> None:
    with pytest.raises(TaskError, match=r"^toolbox\.docs\.mcp: The MCP server does not start: .*Correct how"):
        tools_of(settings(server))


HANGING = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); print('no', 'MCP', flush=True)"


def hanging(folder: Path, seconds: float) -> McpServer:
    command = ["-c", f"{HANGING}; time.sleep(60)"]
    return McpServer({"transport": "stdio", "command": sys.executable, "args": command, "cwd": folder}, seconds)


def is_gone(process: str) -> bool:
    return not Path(f"/proc/{process}/cmdline").exists() or not Path(f"/proc/{process}/cmdline").read_bytes()


def test_a_server_that_hangs_at_its_start_is_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = hanging(tmp_path, 1.0)
    with pytest.raises(ToolTimeout, match="gave no answer within 1 s"):
        server.tools()
    assert is_gone((tmp_path / "pid").read_text())
    assert not caplog.records
    server.close()


def test_a_server_is_ended_while_it_starts(tmp_path: Path) -> None:
    server = hanging(tmp_path, 30.0)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(server.tools)
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.02)
        server.close()
        with pytest.raises(ToolUnreachable):
            starting.result()
    assert is_gone((tmp_path / "pid").read_text())


def test_a_server_over_http_is_reached_by_its_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, HERE / "mcp_server.py", str(port)])
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        tools = tools_of(settings({"url": f"http://127.0.0.1:{port}/mcp"}, timeout=5))
        assert process_of(tools) == str(process.pid)
    finally:
        process.kill()
        process.wait()
    with pytest.raises(ToolFailure):
        tools["find"].invoke({"words": "x"})


def test_variables_of_the_environment_are_handed_on_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETING", "hello")
    assert tools_of(settings({**SERVER, "env": ["GREETING"]}))["find"].invoke({"words": "x"}).startswith("hello x")
    assert tools_of(settings())["find"].invoke({"words": "x"}).startswith("found x")


def test_offline_neither_the_listing_nor_a_call_needs_the_server(tmp_path: Path) -> None:
    cassette = Cassette(tmp_path / "cassette.sqlite")
    said = tools_of(settings(), Live(cassette))["find"].invoke({"words": "Lima"})
    close_servers()
    tools = tools_of(settings(), Live(cassette, offline=True))
    assert tools["find"].invoke({"words": "Lima"}) == said
    with pytest.raises(ToolFailure, match="find has no recorded answer to this"):
        tools["find"].invoke({"words": "Peru"})


def test_answers_are_recorded_under_the_servers_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cassette, server = Cassette(tmp_path / "cassette.sqlite"), settings({**SERVER, "env": ["VERSION"]})
    for version in ("1.0", "2.0", "2.0"):
        monkeypatch.setenv("VERSION", version)
        tools_of(server, Live(cassette))["add"].invoke({"a": 1})
    assert len(cassette) == 3  # the listing, and an answer of each version
    assert [drift.tool for drift in cassette.drifts()] == ["docs"]


def test_half_a_character_does_not_cost_the_session() -> None:
    tools = tools_of(settings())
    first = process_of(tools)
    assert tools["find"].invoke({"words": "a\ud800b\x00"}).startswith("found a?b")
    with pytest.raises(ToolException, match=r"not\?"):
        tools["refuse"].invoke({"reason": "not\udfff"})
    assert process_of(tools) == first


def test_what_a_server_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GREETING", raising=False)
    assert missing(settings()) == ""
    assert missing(settings({**SERVER, "env": ["GREETING"]})) == "GREETING in the environment"
    assert (
        missing(settings({"url": "http://x", "headers": {"Authorization": "GREETING"}}))
        == "GREETING in the environment"
    )
    assert live(settings({"url": "http://x"})) == "mcp http://x"
    assert live(settings({"command": "uvx", "args": ["docs"]})) == "mcp uvx docs"


@pytest.mark.parametrize("server", [{}, {"command": "x", "url": "http://x"}])
def test_a_server_is_reached_in_one_way(server: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give either command or url"):
        settings(server)
