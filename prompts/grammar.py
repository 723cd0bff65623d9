"""The form of a turn as a regular expression, for backends that can hold a model to it.

    plan_regex(("Retrieve", "Finish"))   →   [ \\n]?Thought: [^\\n]+\\nAction: (Retrieve|Finish)

It is made from the template that renders the turn. The parser stays the judge: a backend that knows no
constraint, or a turn cut short, is read as any other text.
"""

import re
from collections.abc import Sequence

from autoact.prompts.template import template_text

_LINE = r"[^\n]+"
_BLANK = re.compile(r"\\\{(\w+)\\\}")


def plan_regex(tools: Sequence[str]) -> str:
    """A thought on one line, then the name of one of the tools."""
    return _regex("plan_turn", thought=_LINE, tool=_one_of(tools))


def reflect_regex() -> str:
    """A thought on one line, then right or wrong."""
    return _regex("reflect_turn", thought=_LINE, verdict=_one_of(("right", "wrong")))


def _regex(template: str, **blanks: str) -> str:
    escaped = re.escape(template_text(template)).replace("\\\n", "\\n").replace("\\ ", " ")
    # Many tokenizers begin a turn with a space; a model that may not do so speaks in tokens it never saw there.
    return r"[ \n]?" + _BLANK.sub(lambda blank: blanks[blank.group(1)], escaped)


def _one_of(words: Sequence[str]) -> str:
    return f"({'|'.join(map(re.escape, words))})"
