"""Read what a model wrote. Every function is total: any text gives a value or a ParseError, no other error.

    >>> parse_plan("Thought: I open Lima.\\nAction: Retrieve")
    PlanTurn(thought='I open Lima.', tool='Retrieve')

Rendering a parsed turn and parsing it again gives the same value, so what is stored is what was read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autoact.core.errors import ParseError
from autoact.core.text import TOOL_NAME, storable

# Some chat templates open the block in the prompt, so that a reply begins in its middle; a cut one never closes.
_THINKING = re.compile(r"\A\s*<think>(?:.*?</think>|.*\Z)|\A(?:(?!<think>).)*?</think>", re.DOTALL)
_THOUGHT = re.compile(r"\A(?:.*?^)??[ \t]*Thought[ \t]*:", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_ACTION = re.compile(r"^[ \t]*Action[ \t]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_VERDICT = re.compile(r"^[ \t]*Verdict[ \t]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_FIELD = re.compile(r"(?aim)^[ \t]*(Question|Context|Caption|Ocr|Choices|Answer)[ \t]*:")
_OPTION = re.compile(r"(?:^|\s)\(([A-Z])\)\s+")


@dataclass(frozen=True, slots=True)
class PlanTurn:
    """A thought and the name of the tool to use."""

    thought: str
    tool: str


@dataclass(frozen=True, slots=True)
class ReflectTurn:
    """A thought and a verdict, right or wrong."""

    thought: str
    verdict: str


@dataclass(frozen=True, slots=True)
class PairDraft:
    """A generated question and answer, not yet checked against what is known."""

    question: str
    answer: str
    choices: tuple[str, ...] = ()
    context: str = ""
    caption: str = ""
    ocr: str = ""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A question, an answer or both in another form than asked for, and what is wrong."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """What a self-instruct reply holds: the pairs that could be read, and what could not."""

    drafts: tuple[PairDraft, ...]
    malformed: tuple[Malformed, ...] = ()


def parse_plan(text: str, tools: Sequence[str] = ()) -> PlanTurn:
    """Thought and tool name; a name is matched with `tools` whatever its case. Raises ParseError."""
    text = without_thinking(text)
    action = _ACTION.search(text)
    name = TOOL_NAME.search(action.group(1)) if action else None
    if action is None or name is None:
        raise ParseError("no line 'Action:' with the name of a tool")
    known = {tool.lower(): tool for tool in tools}
    return PlanTurn(_thought(text[: action.start()]), known.get(name.group().lower(), name.group()))


def parse_input(text: str) -> str:
    """A tool's input: the whole text, brackets, newlines and all."""
    return without_thinking(text)


def parse_verdict(text: str) -> ReflectTurn:
    """Thought and verdict. Raises ParseError unless the verdict line says right or wrong, and not both."""
    text = without_thinking(text)
    line = _VERDICT.search(text)
    words = set(re.findall(r"\b(right|wrong)\b", line.group(1).lower())) if line else set()
    if line is None or len(words) != 1:
        raise ParseError("no line 'Verdict:' that says right or wrong")
    return ReflectTurn(_thought(text[: line.start()]), words.pop())


def parse_pairs(text: str) -> Pairs:
    """Every question with its answer in a self-instruct reply, in order."""
    drafts: list[PairDraft] = []
    malformed: list[Malformed] = []
    for block in _blocks(without_thinking(text)):
        try:
            drafts.append(_draft(block))
        except ParseError as problem:
            read = "\n".join(f"{label.title()}: {value}" for label, value in block.items())
            malformed.append(Malformed(read, str(problem)))
    return Pairs(tuple(drafts), tuple(malformed))


def parse_tools(text: str, tools: Sequence[str], limit: int) -> tuple[str, ...]:
    """The tools that the lines of a reply begin with, each once. Raises ParseError on none or too many."""
    known = {tool.lower(): tool for tool in tools}
    names = (TOOL_NAME.search(line) for line in without_thinking(text).splitlines())
    named = (known.get(name.group().lower()) for name in names if name)
    chosen = list(dict.fromkeys(tool for tool in named if tool))
    if not 0 < len(chosen) <= limit:
        raise ParseError(f"{len(chosen)} tools were named, between 1 and {limit} are wanted")
    return tuple(chosen)


def parse_reason(text: str) -> str:
    """What a reply says, in one line."""
    return " ".join(without_thinking(text).split())


def without_thinking(text: str) -> str:
    """The text without a reasoning model's leading <think> block, closed or cut short, stripped."""
    text = storable(text)
    while (rest := _THINKING.sub("", text).strip()) != text:
        text = rest
    return text


def _thought(text: str) -> str:
    return without_thinking(_THOUGHT.sub("", text, count=1))


def _blocks(text: str) -> list[dict[str, str]]:
    marks = list(_FIELD.finditer(text))
    blocks: list[dict[str, str]] = [{}]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        label = mark.group(1).lower()
        value = text[mark.end() : end].strip()
        if label == "answer":
            value = value.split("\n")[0].strip()
        if label in blocks[-1] or "answer" in blocks[-1]:
            blocks.append({})
        blocks[-1][label] = value
    return [block for block in blocks if block]


def _draft(block: dict[str, str]) -> PairDraft:
    if not block.get("question") or not block.get("answer"):
        raise ParseError("a pair needs a question and an answer")
    beside = {label: text for label, text in block.items() if label != "choices"}
    return PairDraft(choices=_choices(block.get("choices", "")), **beside)


def _choices(text: str) -> tuple[str, ...]:
    parts = _OPTION.split(text)
    letters, options = parts[1::2], tuple(part.strip() for part in parts[2::2])
    in_order = [chr(ord("A") + i) for i in range(len(letters))]
    if text and (letters != in_order or len(options) < 2 or not all(options)):
        raise ParseError("choices must be (A) … (B) … in order")
    return options
