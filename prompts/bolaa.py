"""The chat of BOLAA's controller, which names the labour agent that acts next (Liu et al. 2023).

    user         Question: … Done so far: 1. Retrieve[Lima] Lima is the capital of Peru.
                 Next agent:
    controller → Retrieve

Of an observation the controller sees the beginning; the labour agents (prompts/specialist.py) see the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autoact.core.records import REFLECT, Question, Step
from autoact.core.text import TOOL_NAME, line_of
from autoact.prompts.parse import without_thinking
from autoact.prompts.render import Brief, Turn, question_text, tools_text
from autoact.prompts.specialist import step_text
from autoact.prompts.template import fill

SEEN = 600  # characters of an observation


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """The agent that is to act, by its tool; what else the controller said is its thought."""

    thought: str
    tool: str


def controller_chat(brief: Brief, question: Question, steps: Sequence[Step]) -> list[Turn]:
    """The chat up to the controller's next choice; each choice in a demonstration is an example."""
    system = fill("bolaa_system", description=brief.description, tools=tools_text(brief.tools))
    shown: list[Turn] = []
    for shot in brief.shots:
        for number, step in enumerate(shot.steps):
            shown += [_request(brief, shot.question, shot.steps[:number]), Turn("plan", step.tool)]
    return [Turn("system", system), *shown, _request(brief, question, steps)]


def controller_regex(names: Sequence[str]) -> str:
    """One of the names, for backends that can hold a model to it."""
    return rf"[ \n]?({'|'.join(map(re.escape, names))})"


def parse_agent(text: str, names: Sequence[str]) -> AgentTurn:
    """The first of the names in the text, whatever its case; else its only word, else no agent."""
    said = without_thinking(text)
    known = {name.lower(): name for name in names}
    words = TOOL_NAME.findall(said)
    named = next((known[word.lower()] for word in words if word.lower() in known), "")
    if not named and len(words) == 1 and words[0] != REFLECT:
        named = words[0]
    return AgentTurn("" if said == named else said, named)


def _request(brief: Brief, question: Question, steps: Sequence[Step]) -> Turn:
    done = question_text(question)
    if steps:
        told = "\n".join(_told(brief, number, step) for number, step in enumerate(steps, start=1))
        done = fill("specialist_done", question=done, steps=told)
    return Turn("user", fill("bolaa_request", done=done))


def _told(brief: Brief, number: int, step: Step) -> str:
    if not step.tool:
        return fill("bolaa_nobody", number=number, names=", ".join(brief.names()))
    seen = line_of(step.observation, SEEN) if step.observation.strip() else ""
    return step_text(number, step.tool, step.argument, seen)
