"""The form of a turn as a regular expression, for backends that can hold a model to it.

    plan_regex(("Retrieve", "Finish"))   →   [ \\n]?Thought: [^\\n]+\\nAction: (Retrieve|Finish)

It is made from the template that renders the turn. The parser stays the judge: a backend that knows no
constraint, or a turn cut short, is read as any other text.
"""

import re
from collections.abc import Sequence

from autoact.prompts.template import template_text

LINE = r"[^\n]+"
_BLANK = re.compile(r"\\\{(\w+)\\\}")


def plan_regex(tools: Sequence[str]) -> str:
    """A thought on one line, then the name of one of the tools."""
    return form("plan_turn", thought=LINE, tool=one_of(tools))


def react_regex(tools: Sequence[str]) -> str:
    """A thought on one line, then the name of one of the tools with its input in brackets."""
    return form("react_turn", thought=LINE, tool=one_of(tools), argument=LINE)


def reflect_regex() -> str:
    """A thought on one line, then right or wrong."""
    return form("reflect_turn", thought=LINE, verdict=one_of(("right", "wrong")))


def form(template: str, **blanks: str) -> str:
    """A template whose blanks have the forms that are given."""
    escaped = re.escape(template_text(template)).replace("\\\n", "\\n").replace("\\ ", " ")
    # Many tokenizers begin a turn with a space; a model that may not do so speaks in tokens it never saw there.
    return r"[ \n]?" + _BLANK.sub(lambda blank: blanks[blank.group(1)], escaped)


def one_of(words: Sequence[str]) -> str:
    """One of the words."""
    return f"({'|'.join(map(re.escape, words))})"
