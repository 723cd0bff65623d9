"""What becomes of an action: the tool's observation, or what the planner is told when there is none.

    act = action(pending, settings, names, fields, steps)
    if act.call:
        act = act.with_result(message, text)        # act.outcome is what the planner reads

Whatever a tool does – raise, hang, write a megabyte – the planner reads a text of bounded size and goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException

from autoact.core.records import FINISH, Step
from autoact.core.text import storable
from autoact.graph.context import Context
from autoact.graph.review import Pending
from autoact.prompts.template import fill
from autoact.tools.library import takes_text
from autoact.tools.memory import Memory, memory_of

LOOP = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the planner reads of an action, whether it went well, and the page it opened."""

    text: str = ""
    ok: bool = False
    memory: Memory | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """An action under a run's settings: the call of its tool, or the outcome that it has without one."""

    pending: Pending
    settings: Context
    outcome: Outcome
    call: dict[str, Any] | None = None
    started: float = field(default_factory=perf_counter)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return perf_counter() - self.started

    def with_result(self, message: ToolMessage | None, text: str) -> Act:
        """The action once its tool gave a message, if it did, whose text is now of bounded size."""
        if message is None:
            return replace(self, outcome=Outcome(fill("no_output")))
        told = storable(text).strip() or fill("no_output")
        return replace(self, outcome=Outcome(told, message.status != "error", memory_of(message.artifact)))


def action(
    pending: Pending,
    settings: Context,
    names: Sequence[str],
    fields: Mapping[str, Mapping[str, str]],
    steps: Sequence[Step],
) -> Act:
    """What to do about a pending action; `fields` are those of each tool's input."""
    told = _told_without_running(pending, names, fields, steps)
    if told is not None:
        return Act(pending, settings, told)
    call = {"type": "tool_call", "id": "call", "name": pending.tool}
    return Act(pending, settings, Outcome(), {**call, "args": inputs(fields[pending.tool], pending.argument)})


def _told_without_running(
    pending: Pending, names: Sequence[str], fields: Mapping[str, Mapping[str, str]], steps: Sequence[Step]
) -> Outcome | None:
    """The outcome of what no tool can or may run, Finish among it; None when a tool should."""
    name = pending.tool
    if pending.refused is not None:
        return Outcome(fill("rejected", tool=name, reason=pending.refused))
    if name == FINISH:
        return Outcome(ok=True)
    if not name:
        return Outcome(fill("no_action"))
    if looping(pending, steps):
        return Outcome(fill("loop"))
    if name not in names:
        return Outcome(fill("unknown_tool", tool=name[:100], names=", ".join(names)))
    if inputs(fields[name], pending.argument) is None:
        return Outcome(fill("bad_input", tool=name, fields=", ".join(fields[name]) or "nothing in it"))
    return None


def looping(pending: Pending, steps: Sequence[Step]) -> bool:
    """Whether the same call was made twice already, told the same both times, and nothing new was learned since.

    What a human approved is made all the same.
    """
    told: list[str] = []
    seen = {fill("loop")}
    for step in steps:
        if (step.tool, step.argument) != (pending.tool, pending.argument):
            told = told if step.observation in seen else []
        elif step.observation != fill("loop"):
            told.append(step.observation)
        seen.add(step.observation)
    return not pending.approved and len(told) >= LOOP and len(set(told[-LOOP:])) == 1


def inputs(fields: Mapping[str, str], argument: str) -> dict[str, Any] | None:
    """A tool with one text field gets the text raw; any other gets the JSON object that the text must be."""
    if takes_text(fields):
        return dict.fromkeys(fields, argument)
    try:
        data = json.loads(argument)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and data.keys() <= fields.keys() else None


def as_observation(problem: Exception) -> str:
    """What a planner reads of a tool that failed, in whatever way."""
    return str(problem) if isinstance(problem, ToolException) else f"{type(problem).__name__}: {problem}"
