"""The one private name that the graph leans on still does what it is used for."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph._internal._runnable import RunnableCallable
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict


class Said(TypedDict, total=False):
    text: str


def test_a_runnable_callable_runs_each_shell_with_config_and_runtime() -> None:
    def run(_: Said, config: RunnableConfig, runtime: Runtime[Any]) -> Said:
        return {"text": f"sync {config['configurable']['who']} {runtime.context}"}

    async def arun(_: Said, config: RunnableConfig, runtime: Runtime[Any]) -> Said:
        return {"text": f"async {config['configurable']['who']} {runtime.context}"}

    node: Runnable[Any, Any] = RunnableCallable(run, arun, name="speak")
    graph = StateGraph(Said, context_schema=Said)
    graph.add_node("speak", node)
    graph.add_edge(START, "speak")
    compiled, config = graph.compile(), RunnableConfig(configurable={"who": "me"})
    assert compiled.invoke({}, config, context={"text": "x"}) == {"text": "sync me {'text': 'x'}"}
    assert asyncio.run(compiled.ainvoke({}, config, context={"text": "x"})) == {"text": "async me {'text': 'x'}"}
    assert node.get_name() == "speak"
