"""What group planning remembers: a flat, JSON-safe state, and the settings of a run.

    {"question": "…"}  →  {"question": "…", "steps": [{…}, …], "answer": "sol", "status": "answered", …}

There is no gold answer here, no message list and no scratchpad: each prompt is rendered from the steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import add
from typing import Annotated, Any, Required

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from autoact.core.errors import UserError
from autoact.core.records import Question, Step, from_json
from autoact.tools.memory import Memory

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


class Input(TypedDict, total=False):
    """A question and what is shown with it."""

    question: Required[str]
    choices: list[str]
    context: str
    caption: str
    ocr: str
    image: str


class State(Input, total=False):
    """`thought`, `tool` and `argument` are the pending action, which a human may edit before it runs."""

    next: str
    thought: str
    tool: str
    argument: str
    wrote: dict[str, str]
    steps: Annotated[list[dict[str, Any]], add]
    memory: Memory | None
    answer: str
    reflections: int
    status: str
    error: str
    usage: Annotated[Usage, add_usage]


class Context(BaseModel):
    """The settings of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_steps: int = Field(10, gt=0, description="Steps a question may take, reflections included.")
    max_reflections: int = Field(2, ge=0, description="Times reflection may send the plan back to work.")
    max_tokens: int = Field(256, gt=0, description="Tokens a turn may take.")
    temperature: float = Field(0.0, ge=0, le=2, description="Sampling temperature; 0 decodes greedily.")
    seed: int | None = Field(None, description="Seed of the sampling; each turn draws its own from it.")
    reflect: bool = Field(True, description="Whether a finished answer is reflected on.")


def steps_of(state: State) -> list[Step]:
    """The steps taken so far in this episode, as records."""
    return [from_json(Step, step) for step in state.get("steps", [])] if not state.get("status") else []


def question_of(state: Mapping[str, Any]) -> Question:
    """What is asked. Raises UserError when the input is not a question."""
    try:
        question = from_json(Question, {name: state[name] for name in Question.__dataclass_fields__ if name in state})
    except ValueError as problem:
        raise UserError(f"the input is not a question: {problem}; give {{'question': '…'}}") from None
    if not question.question.strip():
        raise UserError("the input is not a question: 'question' is empty")
    return question
