"""The REFLECT-AGENT: whether the answer just given is right (paper eq. 4)."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from autoact.agents.chat import to_messages
from autoact.core.errors import ParseError
from autoact.core.records import Question, Step
from autoact.prompts.parse import ReflectTurn, parse_verdict, without_thinking
from autoact.prompts.render import Brief, reflect_chat


def ask(brief: Brief, question: Question, steps: Sequence[Step]) -> list[BaseMessage]:
    """What the agent is sent."""
    return to_messages(reflect_chat(brief, question, steps))


def read(text: str) -> ReflectTurn:
    """The turn; a reply without a verdict is kept as a thought with an empty verdict."""
    try:
        return parse_verdict(text)
    except ParseError:
        return ReflectTurn(without_thinking(text).removeprefix("Thought:").strip(), "")
