"""A team as a tool of someone else's agent.

    from langchain.agents import create_agent

    agent = create_agent(model, [as_tool(planner, "atlas", "answers questions about countries.")])

The tool message's content is the answer, its artifact `{"status": …, "error": …, "steps": […], "usage": {…}}`.
Where there is no answer, the content says why and the message's own status is "error".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import override

from autoact.core.errors import UserError
from autoact.graph.state import question_of

HAS_ANSWER = ("answered", "unsure")


class TeamTool(StructuredTool):
    """A tool whose message is an error when its artifact is no answer."""

    # A LangChain tool gives an artifact or reports an error; here the steps of a failure are wanted too.
    @override
    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return _marked(super().invoke(input, config, **kwargs))

    @override
    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return _marked(await super().ainvoke(input, config, **kwargs))


def as_tool(
    planner: CompiledStateGraph[Any, Any, Any, Any],
    name: str,
    description: str,
    context: Mapping[str, Any] | None = None,
) -> BaseTool:
    """A compiled graph of `group_planning` as a LangChain tool; `context` is that of every call.

    An interrupt inside it pauses the agent that called it; the agent's checkpointer keeps both.
    Raises UserError on a setting that cannot be.
    """
    schema: Any = planner.context_schema
    settings = schema(**context) if context else None

    def run(
        question: Annotated[str, "The question, whole in itself."],
        choices: Annotated[list[str] | None, "Options to choose the answer from, if there are any."] = None,
    ) -> tuple[str, dict[str, Any]]:
        return _given(planner.invoke(_asked(question, choices), context=settings))

    async def arun(question: str, choices: list[str] | None = None) -> tuple[str, dict[str, Any]]:
        return _given(await planner.ainvoke(_asked(question, choices), context=settings))

    return TeamTool.from_function(
        func=run,
        coroutine=arun,
        name=name,
        description=description,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def content_of(state: Mapping[str, Any]) -> str:
    """What a final state says: the answer, or that there is none and why."""
    status = state.get("status") or "interrupted"
    if status in HAS_ANSWER:
        return str(state["answer"])
    why = f": {state['error']}" if state.get("error") else ""
    return f"no answer ({status}{why})"


def artifact_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """How a final state came about."""
    blank: dict[str, Any] = {"status": "", "error": "", "steps": [], "usage": {}}
    return {name: state.get(name, value) for name, value in blank.items()}


def _asked(question: str, choices: list[str] | None) -> dict[str, Any]:
    """The planner's input. Raises ToolException when the calling model asks nothing."""
    asked = {"question": question, "choices": choices or []}
    try:
        question_of(asked)
    except UserError as problem:
        raise ToolException(str(problem)) from None
    return asked


def _given(state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return content_of(state), artifact_of(state)


def _marked(output: Any) -> Any:
    """What the tool gave; a message without an answer is marked as an error."""
    if isinstance(output, ToolMessage) and output.artifact and output.artifact["status"] not in HAS_ANSWER:
        output.status = "error"
    return output
