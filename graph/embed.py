"""A team as a tool of someone else's agent.

    from langchain.agents import create_agent

    agent = create_agent(model, [as_tool(planner, "atlas", "answers questions about countries.")])

The tool message's content is the answer, its artifact `{"status": …, "error": …, "steps": […], "usage": {…}}`.
"""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph.state import CompiledStateGraph


def as_tool(planner: CompiledStateGraph[Any, Any, Any, Any], name: str, description: str) -> BaseTool:
    """A compiled graph of `group_planning` as a LangChain tool.

    An interrupt inside it pauses the agent that called it; the agent's checkpointer keeps both.
    """

    def run(
        question: Annotated[str, "The question, whole in itself."],
        config: RunnableConfig,
        choices: Annotated[list[str] | None, "Options to choose the answer from, if there are any."] = None,
    ) -> tuple[str, dict[str, Any]]:
        return _given(planner.invoke(_asked(question, choices), config))

    async def arun(
        question: str, config: RunnableConfig, choices: list[str] | None = None
    ) -> tuple[str, dict[str, Any]]:
        return _given(await planner.ainvoke(_asked(question, choices), config))

    return StructuredTool.from_function(
        func=run, coroutine=arun, name=name, description=description, response_format="content_and_artifact"
    )


def content_of(state: dict[str, Any]) -> str:
    """What a final state says: the answer, or that there is none and why."""
    why = f": {state['error']}" if state.get("error") else ""
    return state.get("answer") or f"no answer ({state['status']}{why})"


def artifact_of(state: dict[str, Any]) -> dict[str, Any]:
    """How a final state came about."""
    blank: dict[str, Any] = {"status": "", "error": "", "steps": [], "usage": {}}
    return {name: state.get(name, value) for name, value in blank.items()}


def _asked(question: str, choices: list[str] | None) -> dict[str, Any]:
    return {"question": question} | ({"choices": choices} if choices else {})


def _given(state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return content_of(state), artifact_of(state)
