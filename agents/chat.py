"""The renderer's turns as LangChain messages.

to_messages([Turn("user", "Question: …")])  →  [HumanMessage("Question: …")]
"""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from autoact.prompts.render import Turn

_KINDS: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}


def to_messages(turns: Sequence[Turn]) -> list[BaseMessage]:
    """One message a turn."""
    return [_KINDS[turn.role](content=turn.text) for turn in turns]
