"""What group planning costs beside its models: an instant scripted model, then one that takes 50 ms a call.

    python benchmarks/framework.py [--json]

A question takes ten supersteps: two looks at a page, a Finish and a verdict; seven of them call the model. The
floor is LangGraph itself: the same ten supersteps of a graph whose nodes do nothing. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.messages import BaseMessage
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from autoact.core.garbage import seldom_collected
from autoact.graph import group_planning
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.corpus import Corpus, Page
from autoact.tools.lookup import lookup_tool
from autoact.tools.retrieve import retrieve_tool

SUPERSTEPS = 10
CALLS = 7
LATENCY = 0.05
ASKED: Any = {"question": "What is the currency of Peru?"}
TURNS = {
    "Input for Retrieve:": "Peru",
    "Observation: Peru is a country.": "Thought: I look for it in the page.\nAction: Lookup",
    "Input for Lookup:": "currency",
    "Observation: (Result 1/1) Its currency is the sol.": "Thought: It is the sol.\nAction: Finish",
    "Input for Finish:": "sol",
    "Is this answer right?": "Thought: The page says so.\nVerdict: right",
}


def reply(messages: list[BaseMessage]) -> str:
    """The next turn, told from the last."""
    return TURNS.get(str(messages[-1].text), "Thought: I open Peru.\nAction: Retrieve")


class SlowModel(ScriptedChatModel):
    """Takes its time, as a server does."""

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(LATENCY)
        return await super()._agenerate(*args, **kwargs)


def team(model: ScriptedChatModel) -> Any:
    """Group planning by one model over two pages."""
    corpus = Corpus([Page("Peru", "Peru is a country.\n\nIts currency is the sol."), Page("Lima", "A city.")])
    tools = [retrieve_tool(corpus), lookup_tool()]
    return group_planning(model, tools, "Answer questions about countries.").compile()


class Count(TypedDict):
    """The state of the floor."""

    count: int


def floor(latency: float = 0.0) -> Any:
    """Nodes that do nothing, or wait in as many as call a model, as many supersteps."""

    def node(state: Count) -> Count:
        return {"count": state["count"] + 1}

    async def anode(state: Count) -> Count:
        if latency and state["count"] < CALLS:
            await asyncio.sleep(latency)
        return node(state)

    from langgraph._internal._runnable import RunnableCallable

    graph = StateGraph(Count)
    for name in ("plan", "tool"):
        graph.add_node(name, RunnableCallable(node, anode, name=name))
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", lambda s: "tool" if s["count"] < SUPERSTEPS else END, ["tool", END])
    graph.add_conditional_edges("tool", lambda s: "plan" if s["count"] < SUPERSTEPS else END, ["plan", END])
    return graph.compile()


async def in_flight(ask: Callable[[], Awaitable[Any]], count: int, workers: int) -> None:
    """`count` questions, `workers` at a time."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await ask()

    await asyncio.gather(*(work() for _ in range(workers)))


def sync_ms(graph: Any, asked: Any, count: int) -> float:
    """CPU milliseconds a superstep, `invoke`."""
    graph.invoke(asked)
    began = time.process_time()
    for _ in range(count):
        graph.invoke(asked)
    return (time.process_time() - began) / count / SUPERSTEPS * 1000


def async_ms(graph: Any, asked: Any, count: int, workers: int) -> tuple[float, float]:
    """CPU milliseconds a superstep, `ainvoke`, and questions a second."""
    gc.collect()
    with seldom_collected():
        cpu, wall = time.process_time(), time.perf_counter()
        asyncio.run(in_flight(lambda: graph.ainvoke(asked), count, workers))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return cpu / count / SUPERSTEPS * 1000, count / wall


def over_path(graph: Any, asked: Any, count: int, workers: int) -> float:
    """Wall time over the sum of the model's latencies that no number of workers could hide."""
    wall = time.perf_counter()
    with seldom_collected():
        asyncio.run(in_flight(lambda: graph.ainvoke(asked), count, workers))
    return (time.perf_counter() - wall) / (count / workers * CALLS * LATENCY)


def resident() -> int:
    """Peak resident memory in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure() -> dict[str, float]:
    """Every figure, in one run."""
    graph, empty = team(ScriptedChatModel(replies=reply)), floor()
    figures = {"sync ms a superstep": sync_ms(graph, ASKED, 100), "floor, sync": sync_ms(empty, {"count": 0}, 100)}
    for workers, count in ((1, 100), (32, 400), (1000, 2000)):
        figures[f"async ms a superstep, {workers} in flight"], rate = async_ms(graph, ASKED, count, workers)
        figures[f"questions/s, {workers} in flight"] = rate
        figures[f"floor, async, {workers} in flight"], _ = async_ms(empty, {"count": 0}, count, workers)
    for workers, count in ((1, 4), (8, 32), (32, 128), (256, 1024)):
        slow, waits = team(SlowModel(replies=reply)), floor(LATENCY)
        figures[f"wall over critical path, {workers} in flight"] = over_path(slow, ASKED, count, workers)
        figures[f"floor, {workers} in flight"] = over_path(waits, {"count": 0}, count, workers)
    before = resident()
    waiting = team(SlowModel(replies=reply))
    asyncio.run(in_flight(lambda: waiting.ainvoke(ASKED), 4000, 4000))
    figures["MB a 1000 questions in flight"] = (resident() - before) / 4 / 1e6
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    figures = measure() if (given := parser.parse_args()) else {}
    if given.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:45} {value:10.3f}")


if __name__ == "__main__":
    main()
