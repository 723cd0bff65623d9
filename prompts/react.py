"""The chat of a single agent that thinks and acts in one turn, as ReAct has it (Yao et al. 2023).

    user       Question: What is the currency of Peru?
    act    →   Thought: I open Peru.⏎Action: Retrieve[Peru]
    user       Observation: Peru is a country in South America.

A turn without brackets is asked for the input in one more (`input_chat`), as ReAct's own code asks again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoact.core.errors import ParseError
from autoact.core.records import REFLECT, Question, Step
from autoact.prompts.parse import parse_input, parse_plan, without_thinking
from autoact.prompts.render import Brief, Turn, plan_turn, question_text, tools_text
from autoact.prompts.template import fill

_ACTION = re.compile(r"^[ \t]*Action[ \t]*:", re.MULTILINE | re.IGNORECASE)
_CALL = re.compile(_ACTION.pattern + r"[ \t]*(\w[\w.-]*)[ \t]*\[", re.MULTILINE | re.IGNORECASE)
_NEXT = re.compile(r"^[ \t]*(Thought|Action|Question|Observation)[ \t]*:", re.MULTILINE | re.IGNORECASE)
_OBSERVED = re.compile(r"^[ \t]*Observation[ \t]*:", re.MULTILINE | re.IGNORECASE)
_BRACKET = re.compile(r"[\[\]]")


@dataclass(frozen=True, slots=True)
class ReactTurn:
    """A thought, a tool, and its input; None when the turn did not give it."""

    thought: str
    tool: str
    argument: str | None


def react_chat(brief: Brief, question: Question, steps: Sequence[Step], lessons: Sequence[str] = ()) -> list[Turn]:
    """The chat up to the agent's next turn; `lessons` of earlier trials stand above the question (Reflexion)."""
    system = fill("react_system", description=brief.description, tools=tools_text(brief.tools))
    shown = [turn for shot in brief.shots for turn in _played(question_text(shot.question), shot.steps)]
    asked = question_text(question)
    if lessons:
        asked = fill("lessons", lessons="\n".join(f"- {lesson}" for lesson in lessons), question=asked)
    return [Turn("system", system), *shown, *_played(asked, steps)]


def input_chat(
    brief: Brief, question: Question, steps: Sequence[Step], thought: str, tool: str, lessons: Sequence[str] = ()
) -> list[Turn]:
    """The chat that asks for the input which the agent's turn left out."""
    request = Turn("user", brief.say("input", tool=tool))
    return [*react_chat(brief, question, steps, lessons), plan_turn(thought, tool), request]


def react_turn(thought: str, tool: str, argument: str) -> Turn:
    """The agent's turn."""
    return Turn("plan", fill("react_turn", thought=thought, tool=tool, argument=argument))


def parse_react(text: str, tools: Sequence[str]) -> ReactTurn:
    """The agent's turn, whatever it is; one that names no action is a thought with an empty tool.

    What follows an observation that the agent made up is left out, and so is what follows its first action.
    """
    said = _first_action(_unobserved(without_thinking(text)))
    call = _CALL.search(said)
    try:
        turn = parse_plan(said, tools)
    except ParseError:
        return ReactTurn(said.removeprefix("Thought:").strip(), "", None)
    if turn.tool == REFLECT:
        return ReactTurn(said, "", None)
    return ReactTurn(turn.thought, turn.tool, bracketed(said[call.end() :]) if call else None)


def parse_asked(text: str) -> str:
    """The input that the agent was asked for, without an observation that it made up."""
    return _unobserved(parse_input(text))


def bracketed(after: str) -> str | None:
    """What stands before the bracket that closes a call, given what follows the one that opens it.

    Nested brackets are counted, first on the call's line, then over all lines; None when no bracket closes.
    """
    line = after.partition("\n")[0]
    if (closed := _closing(line)) < 0 and (closed := _closing(after)) < 0:
        # A bracket within was left open, so that the last one is the call's.
        closed = line.rfind("]") if "]" in line else after.rfind("]")
    return after[:closed] if closed >= 0 else None


def _closing(text: str) -> int:
    """Where the bracket closes that was opened before the text; -1 when it does not."""
    depth = 1
    for mark in _BRACKET.finditer(text):
        depth += 1 if mark.group() == "[" else -1
        if not depth:
            return mark.start()
    return -1


def _unobserved(text: str) -> str:
    made_up = _OBSERVED.search(text)
    return text[: made_up.start()].strip() if made_up else text


def _first_action(text: str) -> str:
    """The text up to the line of ours that follows its first action."""
    action = _ACTION.search(text)
    after = _NEXT.search(text, action.end()) if action else None
    return text[: after.start()].strip() if after else text


def _played(asked: str, steps: Sequence[Step]) -> Iterator[Turn]:
    yield Turn("user", asked)
    for step in steps:
        yield react_turn(step.thought, step.tool, step.argument) if step.tool else plan_turn(step.thought, "")
        if step.observation:
            yield Turn("user", fill("observation", observation=step.observation))
