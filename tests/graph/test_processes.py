"""A question outlives the process that asked it: waiting for a human, or killed in the middle."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

THREAD: RunnableConfig = {"configurable": {"thread_id": "1"}}
APPROVE: Command[Any] = Command(resume={"decisions": [{"type": "approve"}]})

WAITS = """
import asyncio, sys
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

async def main():
    async with AsyncSqliteSaver.from_conn_string(sys.argv[1]) as saver:
        graph = builder.compile(checkpointer=saver)
        thread = {"configurable": {"thread_id": "1"}}
        await graph.ainvoke(PERU, thread, context={"approve_tools": ["Currency", "Finish"], "max_steps": 5})

asyncio.run(main())
"""

HANGS = """
import sys, time
from langgraph.checkpoint.sqlite import SqliteSaver

@tool
def Currency(country: str) -> str:
    "tells the currency of a country."
    print(country, flush=True)
    time.sleep(60)

builder = group_planning(model, [Currency], "Answer questions about countries.")
with SqliteSaver.from_conn_string(sys.argv[1]) as saver:
    graph = builder.compile(checkpointer=saver)
    thread = {"configurable": {"thread_id": "1"}}
    graph.invoke(PERU, thread, context={"approve_tools": ["Finish"]}, durability="sync")
"""


def start(program: str, file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, str(file)], stdout=subprocess.PIPE, text=True
    )


@contextmanager
def kept_in(file: Path, countries: SimpleNamespace) -> Iterator[Any]:
    with SqliteSaver.from_conn_string(str(file)) as saver:
        yield countries.builder.compile(checkpointer=saver)


def test_a_question_that_waits_is_gone_on_with_in_another_process(
    countries: SimpleNamespace, countries_program: str, tmp_path: Path
) -> None:
    async def go_on() -> list[dict[str, Any]]:
        async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "threads")) as saver:
            graph = countries.builder.compile(checkpointer=saver)
            return [await graph.ainvoke(APPROVE, THREAD) for _ in range(2)]

    with start(countries_program + WAITS, tmp_path / "threads") as process:
        assert process.wait() == 0
    waiting, final = asyncio.run(go_on())
    assert waiting["__interrupt__"][0].value["action_requests"][0]["args"] == {"input": "sol"}
    assert (final["answer"], final["settings"]) == ("sol", {"approve_tools": ["Currency", "Finish"], "max_steps": 5})


def test_a_question_whose_process_was_killed_is_gone_on_with(
    countries: SimpleNamespace, countries_program: str, tmp_path: Path
) -> None:
    with start(countries_program + HANGS, tmp_path / "threads") as process:
        assert process.stdout
        assert process.stdout.readline() == "Peru\n"
        process.kill()
    with kept_in(tmp_path / "threads", countries) as graph:
        assert graph.get_state(THREAD).next == ("executor",)
        state = graph.invoke(None, THREAD)
        assert state["__interrupt__"][0].value["action_requests"][0]["name"] == "Finish"
        final = graph.invoke(APPROVE, THREAD)
    assert ([step["observation"] for step in final["steps"]], final["answer"]) == (["sol", "", ""], "sol")
