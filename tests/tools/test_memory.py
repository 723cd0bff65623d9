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


def slow_tool(seconds: float, slow: bool = True) -> BaseTool:
    def run(query: str) -> Output:
        time.sleep(seconds)
        return Output(f"{query} {asker.get()} {threading.current_thread().name.rpartition('_')[0]}")

    return library_tool("Slow", "is slow.", "x.", run, slow=slow)


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
    assert slow_tool(0).invoke({"query": "x"}) == f"x nobody {threading.current_thread().name.rpartition('_')[0]}"
