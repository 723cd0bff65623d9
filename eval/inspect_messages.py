"""A trajectory as the messages that the Inspect viewer shows.

    user        Question: What is the currency of Peru?
    assistant   I look for its page.          → Retrieve(input="Peru")
    tool        Peru is a country …
    assistant   It is the sol.                → Finish(input="sol")
    assistant   The page says so. Verdict: right

What the models read and wrote, turn by turn, is rendered from the same steps by prompts/; this is for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autoact.core.records import REFLECT, Step, Trajectory
from autoact.core.text import storable

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage


def messages_of(trajectory: Trajectory) -> list[ChatMessage]:
    """The messages after the question's own."""
    return [message for number, step in enumerate(trajectory.steps) for message in _turn(number, step)]


def author_of(step: Step) -> str:
    """The model or adapter that a step's first turn is by; empty when it is not known."""
    return next(iter(step.wrote.values()), "")


def _turn(number: int, step: Step) -> list[ChatMessage]:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageTool
    from inspect_ai.tool import ToolCall, ToolCallError

    thought, argument, author = storable(step.thought), storable(step.argument), author_of(step)
    if step.tool == REFLECT:
        return [ChatMessageAssistant(content=f"{thought}\nVerdict: {argument}", model=author)]
    call = ToolCall(id=str(number), function=storable(step.tool) or "(none)", arguments={"input": argument})
    asked = ChatMessageAssistant(content=thought, tool_calls=[call], model=author)
    if not step.observation:
        return [asked]
    observed = storable(step.observation)
    error = None if step.ok else ToolCallError(type="unknown", message=observed)
    return [asked, ChatMessageTool(content=observed, tool_call_id=call.id, function=call.function, error=error)]
