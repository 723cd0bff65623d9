"""The TOOL-AGENT: the input of the tool that was chosen (paper eq. 3)."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from autoact.agents.chat import to_messages
from autoact.core.records import Question, Step
from autoact.prompts.parse import parse_input
from autoact.prompts.render import Brief, tool_chat


def ask(brief: Brief, question: Question, steps: Sequence[Step], thought: str, tool: str) -> list[BaseMessage]:
    """What the agent is sent."""
    return to_messages(tool_chat(brief, question, steps, thought, tool))


def read(text: str) -> str:
    """The tool's input."""
    return parse_input(text)
