"""Calls, errors, timeouts and times are counted by tool, and a run stops when a tool fails too often."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from autoact.core.errors import EndpointError
from autoact.tools.failures import ToolFailure, ToolTimeout
from autoact.tools.library import NoSettings
from autoact.tools.live import Live
from autoact.tools.log import ToolLog, check
from autoact.tools.memory import Output, library_tool

PROBLEMS = {
    "refused": ToolException("no such page"),
    "quota": ToolFailure("the quota is spent"),
    "late": ToolTimeout("too late"),
    "bug": RuntimeError("broken"),
}


def run(query: str) -> Output:
    if query in PROBLEMS:
        raise PROBLEMS[query]
    time.sleep(0.01 if query == "slow" else 0)
    return Output(query)


TOOL = library_tool("Search", "searches.", "x.", run)


def play(log: ToolLog, *queries: str, tool: BaseTool = TOOL) -> None:
    for query in queries:
        with contextlib.suppress(ToolException, RuntimeError):
            tool.invoke({"query": query}, {"callbacks": [log]})


def test_every_way_to_end_is_counted() -> None:
    log = ToolLog()
    play(log, "a", "slow", "refused", "refused", "quota", "late", "bug")
    stats = log.stats()["Search"]
    assert (stats.calls, stats.refused, stats.failed, stats.timeouts, stats.unfinished) == (7, 2, 3, 1, 0)
    assert 0 <= stats.p50 <= stats.p95
    assert stats.p95 >= 0.01
    assert stats.last_failure == "broken"


def test_errors_that_a_graph_makes_observations_are_counted_the_same() -> None:
    builder = StateGraph(MessagesState).add_node("tools", ToolNode([TOOL], handle_tool_errors=str))
    graph = builder.add_edge(START, "tools").compile()
    log = ToolLog()
    calls: list[Any] = [
        {"type": "tool_call", "id": str(number), "name": "Search", "args": args}
        for number, args in enumerate(({"query": "a"}, {"query": "refused"}, {"query": "quota"}, {}))
    ]
    graph.invoke({"messages": [AIMessage("", tool_calls=calls[:2])]}, {"callbacks": [log]})
    asyncio.run(graph.ainvoke({"messages": [AIMessage("", tool_calls=calls[2:])]}, {"callbacks": [log]}))
    stats = log.stats()["Search"]
    assert (stats.calls, stats.refused, stats.failed, stats.unfinished) == (4, 2, 1, 0)


def test_a_live_tool_is_counted_once_a_call() -> None:
    log = ToolLog()
    play(log, "a", "a", "quota", tool=Live().wrap(TOOL, "x", NoSettings()))
    assert (log.stats()["Search"].calls, log.stats()["Search"].failed) == (3, 1)


def test_an_error_that_the_tool_turned_into_a_message_was_refused() -> None:
    log = ToolLog()
    quiet = StructuredTool.from_function(run, name="Quiet", description="x.", handle_tool_error=True)
    quiet.invoke({"type": "tool_call", "id": "1", "name": "Quiet", "args": {"query": "refused"}}, {"callbacks": [log]})
    assert log.stats()["Quiet"].refused == 1


def test_many_threads_and_loops_count_together() -> None:
    log = ToolLog()

    async def many() -> None:
        await asyncio.gather(*(TOOL.ainvoke({"query": "a"}, {"callbacks": [log]}) for _ in range(50)))

    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            pool.submit(asyncio.run, many())
            pool.submit(play, log, *["a"] * 50)
    assert log.stats()["Search"].calls == 400
    assert log.stats()["Search"].unfinished == 0


def test_a_call_that_never_ends_is_seen() -> None:
    log = ToolLog()

    async def give_up() -> None:
        async def hang(query: str) -> str:
            await asyncio.sleep(60)
            return query

        hanging = StructuredTool.from_function(coroutine=hang, name="Hang", description="hangs.")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hanging.ainvoke({"query": "x"}, {"callbacks": [log]}), 0.05)

    asyncio.run(give_up())
    assert log.stats()["Hang"].unfinished == 1
    log.close()
    stats = log.stats()["Hang"]
    assert (stats.calls, stats.unfinished, stats.timeouts, stats.failed) == (1, 0, 1, 1)


def test_the_logs_of_many_questions_make_one() -> None:
    total, question = ToolLog(), ToolLog()
    for _ in range(2):
        question = ToolLog()
        play(question, "a", "refused", "late")
        total.take(question)
    assert question.counts() == {"Search": {"calls": 3, "refused": 1, "failed": 1, "timeouts": 1}}
    stats = total.stats()["Search"]
    assert (stats.calls, stats.refused, stats.failed, stats.timeouts, stats.last_failure) == (6, 2, 2, 2, "too late")
    assert stats.p95 > 0


# ── when a run stops ──


def test_a_spent_quota_stops_a_run_and_says_why() -> None:
    log = ToolLog()
    play(log, *["a"] * 1000)
    check(log.stats())
    play(log, *["quota"] * 20)
    told = r"^the tool Search failed in 50% of its last calls \(the quota is spent\); see to its backend"
    with pytest.raises(EndpointError, match=told):
        check(log.stats())


def test_what_the_planner_does_wrong_stops_nothing() -> None:
    log = ToolLog()
    play(log, *["refused"] * 100)
    check(log.stats())


def test_a_few_failures_are_no_verdict() -> None:
    log = ToolLog()
    play(log, *["quota"] * 9)
    check(log.stats())
    play(log, *["a"] * 30)
    check(log.stats())


def test_a_tool_that_recovered_is_forgiven() -> None:
    log = ToolLog()
    play(log, *["quota"] * 20, *["a"] * 40)
    check(log.stats())
    assert log.stats()["Search"].failed == 20


def test_a_log_crosses_to_another_process_as_json() -> None:
    there, here = ToolLog(), ToolLog()
    play(there, "a", "refused", "quota")
    here.take(ToolLog.from_json(json.loads(json.dumps(there.to_json()))))
    assert here.stats() == there.stats()
    assert here.down() == there.down() is True
