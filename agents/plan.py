"""The PLAN-AGENT: a thought and the name of the next tool (paper eq. 2)."""

from collections.abc import Sequence
from contextlib import suppress

from langchain_core.messages import BaseMessage

from autoact.agents.chat import to_messages
from autoact.core.errors import ParseError
from autoact.core.records import REFLECT, Question, Step
from autoact.prompts.parse import PlanTurn, parse_plan, without_thinking
from autoact.prompts.render import Brief, plan_chat


def ask(brief: Brief, question: Question, steps: Sequence[Step]) -> list[BaseMessage]:
    """What the agent is sent."""
    return to_messages(plan_chat(brief, question, steps))


def read(brief: Brief, text: str) -> PlanTurn:
    """The turn; a reply that names no action is kept as a thought with an empty tool.

    Reflect is no action: among the steps that word marks a verdict.
    """
    with suppress(ParseError):
        turn = parse_plan(text, brief.names())
        if turn.tool != REFLECT:
            return turn
    return PlanTurn(without_thinking(text).removeprefix("Thought:").strip(), "")
