"""The META-AGENT beyond play: it writes questions (paper Table 6) and chooses tools (Table 7)."""

from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage

from autoact.agents.chat import to_messages
from autoact.core.records import QAPair, ToolCard
from autoact.core.task import Task
from autoact.prompts.parse import Pairs, parse_pairs, parse_reason, parse_tools
from autoact.prompts.render import instruct_chat, reason_chat, select_chat


def ask_for_pairs(
    task: Task, examples: Sequence[QAPair], count: int, level: str = "", fields: Mapping[str, bool] | None = None
) -> list[BaseMessage]:
    """The self-instruct prompt; a level, and fields beside question and answer, are asked for where they are given."""
    return to_messages(instruct_chat(task.name, task.description, examples, count, level, fields))


def read_pairs(text: str) -> Pairs:
    """The pairs of a reply, and how many were malformed."""
    return parse_pairs(text)


def ask_for_tools(task: Task, cards: Sequence[ToolCard]) -> list[BaseMessage]:
    """The tool selection prompt."""
    return to_messages(select_chat(task.name, task.description, cards, task.learn.max_tools))


def read_tools(task: Task, text: str, cards: Sequence[ToolCard]) -> tuple[str, ...]:
    """The chosen tools. Raises ParseError when the reply names none, or too many."""
    return parse_tools(text, [card.name for card in cards], task.learn.max_tools)


def ask_for_reason(task: Task, cards: Sequence[ToolCard], reply: str) -> list[BaseMessage]:
    """The question why, after the reply that chose the tools."""
    return to_messages(reason_chat(task.name, task.description, cards, task.learn.max_tools, reply))


def read_reason(text: str) -> str:
    """The reason, in one line."""
    return parse_reason(text)
