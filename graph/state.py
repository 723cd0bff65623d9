"""What group planning remembers: a flat, JSON-safe state.

    {"question": "…"}  →  {"question": "…", "steps": [{…}, …], "answer": "sol", "status": "answered", …}

There is no gold answer here, no message list and no scratchpad: each prompt is rendered from the steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import add
from typing import Annotated, Any, Required

from langgraph.channels import EphemeralValue
from pydantic import Field
from typing_extensions import TypedDict

from autoact.core.errors import UserError
from autoact.core.records import Question, Step, from_json
from autoact.tools.memory import Memory

VERSION = 1
LEFT = "left"  # the status, to the plan, of a question that another one has taken the place of
BESIDE = ("choices", "context", "caption", "ocr", "image")
Usage = dict[str, dict[str, int]]


def add_usage(left: Usage, right: Usage) -> Usage:
    """Both usages, summed per role and count."""
    roles = {**left, **right}
    return {
        role: {
            count: left.get(role, {}).get(count, 0) + right.get(role, {}).get(count, 0)
            for count in {**left.get(role, {}), **right.get(role, {})}
        }
        for role in roles
    }


def _shown(text: str) -> Any:
    return Field(description=text)


class Input(TypedDict, total=False):
    """A question and what is shown with it, which lasts for one step: `asked` keeps both, and the next has its own."""

    question: Required[Annotated[str, _shown("What is asked.")]]
    choices: Annotated[list[str], _shown("Options to choose the answer from."), EphemeralValue]
    context: Annotated[str, _shown("Text that is shown with the question."), EphemeralValue]
    caption: Annotated[str, _shown("What the question's picture shows, in words."), EphemeralValue]
    ocr: Annotated[str, _shown("The text that is written in the question's picture."), EphemeralValue]
    image: Annotated[str, _shown("The file of the question's picture."), EphemeralValue]


class State(Input, total=False):
    """`thought`, `tool` and `argument` are the pending action, which a human may edit before it runs."""

    next: Annotated[str, _shown("The node to go to.")]
    waits: Annotated[bool, _shown("Whether the pending action waits for a human.")]
    thought: Annotated[str, _shown("The pending action's thought.")]
    tool: Annotated[str, _shown("The pending action's tool.")]
    argument: Annotated[str, _shown("The pending action's input.")]
    wrote: Annotated[dict[str, str], _shown("Who wrote the pending action: role to model or adapter.")]
    steps: Annotated[list[dict[str, Any]], _shown("The steps taken."), add]
    memory: Annotated[Memory | None, _shown("The page last found, which Lookup reads.")]
    answer: Annotated[str, _shown("The answer; empty while there is none.")]
    reflections: Annotated[int, _shown("How often reflection doubted an answer.")]
    status: Annotated[str, _shown("answered, unsure, halted or error; empty while the question is worked on.")]
    error: Annotated[str, _shown("What failed.")]
    down: Annotated[bool, _shown("Whether a model's server failed, which says nothing about the question.")]
    usage: Annotated[Usage, _shown("Calls and tokens, per role."), add_usage]
    settings: Annotated[
        dict[str, Any], _shown("The settings that the question was begun with, beyond the graph's own.")
    ]
    asked: Annotated[dict[str, Any], _shown("The question that is worked on, with what came beside it.")]
    version: Annotated[int, _shown("The version of the graph that the episode is played by.")]


def entered(state: State, *, at_entry: bool) -> State:
    """The state as a node finds it; where episodes begin, a new question ends the one that was worked on before."""
    asked = state.get("asked")
    if not at_entry or not asked or state.get("status") or _given(state).items() <= asked.items():
        return state
    return State(**{**state, "status": LEFT})


def steps_of(state: State) -> list[Step]:
    """The steps taken so far in this episode, as records."""
    return [from_json(Step, step) for step in _steps(state)]


def steps_taken(state: State) -> int:
    """How many steps were taken so far in this episode; it spares reading them."""
    return len(_steps(state))


def check_version(state: Mapping[str, Any]) -> None:
    """Raises UserError on an episode that another version of the graph has begun."""
    begun = any(state.get(name) for name in ("asked", "thought", "steps")) and not state.get("status")
    found = state.get("version", 0 if begun else VERSION)
    if begun and found != VERSION:
        raise UserError(
            f"this thread's question was begun by version {found} of the graph, which is at version {VERSION}; "
            "ask it again on a new thread"
        )


def question_of(state: Mapping[str, Any]) -> Question:
    """What is asked. Raises UserError when the input is not a question."""
    asked = {} if state.get("status") else state.get("asked", {})
    try:
        question = from_json(Question, asked | _given(state))
    except ValueError as problem:
        raise UserError(f"the input is not a question: {problem}; give {{'question': '…'}}") from None
    if not question.question.strip():
        raise UserError("the input is not a question: 'question' is empty")
    return question


def _given(state: Mapping[str, Any]) -> dict[str, Any]:
    beside = {name: state[name] for name in BESIDE if state.get(name)}
    return beside | ({"question": state["question"]} if "question" in state else {})


def _steps(state: State) -> list[dict[str, Any]]:
    return [] if state.get("status") else state.get("steps", [])
