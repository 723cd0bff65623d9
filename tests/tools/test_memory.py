"""What every tool of the library has in common: bounded printable text, an artifact, threads for what is slow."""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import ContextVar
from typing import Annotated, Any

import pytest
from langchain_core.tools import BaseTool, ToolException
from langgraph.prebuilt import InjectedState

from autoact.tools.failures import ToolFailure, ToolTimeout
from autoact.tools.library import input_fields
from autoact.tools.memory import Memory, Output, library_tool, memory_of, remember
from autoact.tools.threads import Threads


def called(tool: BaseTool, **inputs: Any) -> Any:
    return tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": inputs})


def saying(text: str, **rest: Any) -> BaseTool:
    def run(query: str) -> Output:
        del query
        return Output(text, **rest)

    return library_tool("Say", "says it.", "anything.", run)


def test_the_artifact_keeps_the_memory_and_the_raw_result() -> None:
    reply = called(saying("text", memory=remember("page"), raw=[{"title": "Lima"}]), query="x")
    assert reply.artifact == {"memory": {"text": "page", "keyword": "", "cursor": 0}, "raw": [{"title": "Lima"}]}
    assert memory_of(reply.artifact) == Memory(text="page", keyword="", cursor=0)


@pytest.mark.parametrize(
    "artifact", [None, 5, [], {}, {"memory": None}, {"memory": {}}, {"memory": {"text": "x"}}, "x"]
)
def test_an_artifact_of_another_form_holds_no_memory(artifact: Any) -> None:
    assert memory_of(artifact) is None


def test_an_observation_is_bounded_and_printable() -> None:
    assert called(saying("a\x00b\x1b[2J\ud800\tc\nd"), query="x").text == "a b [2J \tc\nd"
    assert len(called(saying("x" * 10_000_000), query="x").text) == 4000


@pytest.mark.parametrize("kind", [ToolException, ToolFailure, ToolTimeout])
def test_so_is_what_an_exception_says_and_its_kind_stays(kind: type[ToolException]) -> None:
    def run(query: str) -> Output:
        raise kind(query)

    with pytest.raises(ToolException) as caught:
        called(library_tool("Fail", "fails.", "x.", run), query="\x1b" + "x" * 10_000)
    assert type(caught.value) is kind
    assert str(caught.value) == " " + "x" * 3999


def test_what_the_graph_puts_in_stays_hidden_from_models() -> None:
    def run(keyword: str, state: Annotated[dict[str, Any], InjectedState]) -> Output:
        return Output(keyword + state["caption"])

    tool = library_tool("Look", "looks.", "x.", run)
    assert input_fields(tool) == {"keyword": "string"}
    assert called(tool, keyword="a", state={"caption": "b"}).text == "ab"


asker: ContextVar[str] = ContextVar("asker", default="nobody")


def slow_tool(seconds: float, places: Threads | None = None) -> BaseTool:
    def run(query: str) -> Output:
        time.sleep(seconds)
        return Output(f"{query} {asker.get()} {threading.current_thread().name}")

    return library_tool("Slow", "is slow.", "x.", run, slow=True, places=places)


def test_slow_tools_do_not_hold_up_the_event_loop() -> None:
    tool = slow_tool(0.1)

    async def many() -> list[Any]:
        return await asyncio.gather(*(tool.ainvoke({"query": str(i)}) for i in range(60)))

    began = time.monotonic()
    assert len(asyncio.run(many())) == 60
    assert time.monotonic() - began < 3  # one after the other they would take six


def test_a_thread_knows_in_whose_name_it_asks() -> None:
    async def ask() -> Any:
        asker.set("me")
        return await slow_tool(0).ainvoke({"query": "x"})

    assert asyncio.run(ask()) == "x me slow-tool"
    assert slow_tool(0).invoke({"query": "x"}) == f"x nobody {threading.current_thread().name}"


def test_a_slow_tool_leaves_others_their_threads() -> None:
    hung, quick = slow_tool(1.0), slow_tool(0)

    async def beside() -> Any:
        waiting = [asyncio.create_task(hung.ainvoke({"query": str(i)})) for i in range(100)]
        await asyncio.sleep(0.05)
        said = await asyncio.wait_for(quick.ainvoke({"query": "x"}), 0.5)
        for task in waiting:
            task.cancel()
        return said

    assert asyncio.run(beside()) == "x nobody slow-tool"


def test_no_more_calls_run_at_once_than_there_are_places() -> None:
    tool, before = slow_tool(0.1, Threads(2)), threading.active_count()

    async def many() -> int:
        calls = [asyncio.create_task(tool.ainvoke({"query": "x"})) for _ in range(8)]
        await asyncio.sleep(0.05)
        held = threading.active_count() - before
        await asyncio.gather(*calls)
        return held

    began = time.monotonic()
    assert asyncio.run(many()) == 2
    assert time.monotonic() - began > 0.39
    assert tool.invoke({"query": "x"}) == "x nobody slow-tool"


def test_a_page_of_megabytes_is_kept_in_part_and_storable() -> None:
    assert remember("a\x00\ud800" + "x" * 5_000_000)["text"] == "a\ufffd\ufffd" + "x" * 999_997
