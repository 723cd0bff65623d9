"""Group planning behind a chat: messages in, messages out, over the same core.

    chat = chat_planning(planner).compile()
    chat.invoke({"messages": [("user", "What is the currency of Peru?")]})["messages"][-1].text

The last message is the question, whole in itself: earlier ones are shown to whoever reads the chat, not to the
agents. How the answer came about is in the reply's `response_metadata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage
from langgraph._internal._runnable import RunnableCallable  # as in graph/nodes.py
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from autoact.core.errors import UserError
from autoact.graph.embed import artifact_of, content_of


def chat_planning(planner: CompiledStateGraph[Any, Any, Any, Any]) -> StateGraph[MessagesState, Any, Any, Any]:
    """The uncompiled chat over a compiled graph of `group_planning`; it takes that graph's settings."""

    # The planner finds config and context of the run that it is called in, as every subgraph does.
    def run(state: MessagesState) -> dict[str, Any]:
        return _reply(planner.invoke(_question(state["messages"])))

    async def arun(state: MessagesState) -> dict[str, Any]:
        return _reply(await planner.ainvoke(_question(state["messages"])))

    graph = StateGraph(MessagesState, context_schema=planner.builder.context_schema)
    graph.add_node("autoact", RunnableCallable(run, arun, name="autoact"))
    graph.add_edge(START, "autoact")
    graph.add_edge("autoact", END)
    return graph


def _question(messages: Sequence[AnyMessage]) -> dict[str, str]:
    last = messages[-1] if messages else None
    if last is None or last.type != "human":
        raise UserError("the chat asks nothing: its last message must be a human's question")
    return {"question": str(last.text)}


def _reply(state: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [AIMessage(content_of(state), response_metadata=artifact_of(state))]}
