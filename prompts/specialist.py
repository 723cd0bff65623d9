"""The chat of a model that does one thing: it writes the input of one tool, and is shown that alone.

    user         Question: What is the currency of the country whose capital is Lima?
                 Done so far: 1. Retrieve[Lima] Lima is the capital of Peru.
                 Input for Retrieve:
    specialist → Peru

BOLAA's labour agents and Chameleon's query modules are such. Examples are the inputs that the demonstrations gave to
the same tool.
"""

from __future__ import annotations

from collections.abc import Sequence

from autoact.core.records import Question, Step
from autoact.prompts.render import Brief, Turn, question_text, tools_text
from autoact.prompts.template import fill


def specialist_chat(brief: Brief, question: Question, steps: Sequence[Step], tool: str) -> list[Turn]:
    """The chat up to the input of a tool of the brief."""
    cards = [card for card in brief.tools if card.name == tool]
    system = fill("specialist_system", description=brief.description, tool=tools_text(cards), name=tool)
    shown: list[Turn] = []
    for shot in brief.shots:
        for number, step in enumerate(shot.steps):
            if step.tool == tool:
                shown += [_request(shot.question, shot.steps[:number], tool), Turn("tool", step.argument)]
    return [Turn("system", system), *shown, _request(question, steps, tool)]


def done_text(question: Question, steps: Sequence[Step]) -> str:
    """A question and the calls made for it, each with what it gave; replies that named no tool are left out."""
    calls = [step for step in steps if step.tool]
    if not calls:
        return question_text(question)
    told = "\n".join(
        step_text(number, step.tool, step.argument, step.observation) for number, step in enumerate(calls, start=1)
    )
    return fill("specialist_done", question=question_text(question), steps=told)


def step_text(number: int, tool: str, argument: str, observation: str) -> str:
    """A call and what it gave, in an entry of a list that neither can end."""
    return fill("specialist_step", number=number, tool=tool, argument=within(argument), observation=within(observation))


def within(text: str) -> str:
    """Text of a model or a tool whose later lines cannot pass for lines of ours."""
    return "\n   ".join(text.splitlines())


def _request(question: Question, steps: Sequence[Step], tool: str) -> Turn:
    return Turn("user", fill("specialist_request", done=done_text(question, steps), tool=tool))
