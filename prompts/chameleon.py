"""The chats of Chameleon's modules, and the plan that its policy writes (Lu et al. 2023).

    user     Question: What is the currency of the country whose capital is Lima?
    policy → Modules: Retrieve, Retrieve, Solution, Answer

The input of a tool is written by prompts/specialist.py. A demonstration is the list of its tools, and for Solution its
thoughts; nothing in it shows what Knowledge would have said, so that module has no examples.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from autoact.core.records import FINISH, Demonstration, Question, Step
from autoact.core.reward import choice_index
from autoact.core.text import TOOL_NAME
from autoact.prompts.grammar import form, one_of
from autoact.prompts.parse import without_thinking
from autoact.prompts.render import Brief, Turn, question_text, tools_text
from autoact.prompts.specialist import done_text, within
from autoact.prompts.template import fill

KNOWLEDGE, SOLUTION, ANSWER = "Knowledge", "Solution", "Answer"
LAST = (SOLUTION, ANSWER)
OWN = (KNOWLEDGE, *LAST)
_LABEL = re.compile(r"\bModules[ \t]*:", re.IGNORECASE)
_ANSWER = re.compile(r"\banswer is:?", re.IGNORECASE)
_BETWEEN = re.compile(r"[,;\n]|->|→|\band\b|\bthen\b", re.IGNORECASE)


def policy_chat(brief: Brief, question: Question) -> list[Turn]:
    """The chat up to the list of modules."""
    tools = tools_text([card for card in brief.tools if card.name != FINISH])
    turns = [Turn("system", fill("chameleon_system", description=brief.description, tools=tools))]
    for shot in brief.shots:
        used = [step.tool for step in shot.steps if step.tool != FINISH]
        turns += [Turn("user", question_text(shot.question)), Turn("plan", modules_text(used))]
    return [*turns, Turn("user", question_text(question))]


def modules_text(modules: Sequence[str]) -> str:
    """A plan as the policy writes it; Solution and Answer end it."""
    return fill("chameleon_modules", modules=", ".join((*modules, *LAST)))


def modules_regex(names: Sequence[str]) -> str:
    """A plan of the named tools, Knowledge and the two that end it, for backends that can hold a model to it."""
    named = one_of([*(name for name in names if name != FINISH), KNOWLEDGE])
    return form("chameleon_modules", modules=f"({named}, )*{', '.join(LAST)}")


def parse_modules(text: str, tools: Sequence[str]) -> list[str]:
    """The modules before Solution and Answer, without those that there are not; none unless these two end the list.

    A list may be written as JSON, with commas, or one name a line; it is never evaluated. The first one counts.
    """
    listed = _LABEL.split(without_thinking(text))[:2][-1]
    known = {name.lower(): name for name in (*OWN, *tools) if name != FINISH}
    words = ([word.lower() for word in TOOL_NAME.findall(part)] for part in _BETWEEN.split(listed))
    named = [known[name] for part in words if (name := next((word for word in part if word in known), ""))]
    ends = next((at for at, pair in enumerate(pairwise(named)) if pair == LAST), 0)
    return [name for name in named[:ends] if name not in LAST]


def knowledge_chat(question: Question, steps: Sequence[Step]) -> list[Turn]:
    """The chat of the module that recalls what is known."""
    return [Turn("system", fill("chameleon_knowledge_system")), Turn("user", done_text(question, steps))]


def solution_chat(brief: Brief, question: Question, steps: Sequence[Step]) -> list[Turn]:
    """The chat up to the solution."""
    turns = [Turn("system", fill("chameleon_solution_system", description=brief.description))]
    for shot in brief.shots:
        turns += [Turn("user", done_text(shot.question, shot.steps[:-1])), Turn("plan", _solution(shot))]
    return [*turns, Turn("user", done_text(question, steps))]


def answer_chat(brief: Brief, question: Question, solution: str) -> list[Turn]:
    """The chat that asks for the short answer that a solution comes to."""
    turns = [Turn("system", fill("chameleon_answer_system"))]
    for shot in brief.shots:
        turns += [_request(shot.question, _solution(shot)), Turn("plan", shot.answer)]
    return [*turns, _request(question, solution)]


def chosen_option(solution: str, choices: Sequence[str]) -> str:
    """The option that a solution comes to, by letter or text; empty when it is none of them."""
    said = _ANSWER.split(solution)[1:]
    index = choice_index(said[-1].strip(" \t\n.*"), choices) if said else None
    return choices[index] if index is not None else ""


def _solution(shot: Demonstration) -> str:
    thoughts = " ".join(step.thought for step in shot.steps if step.thought)
    return fill("chameleon_solution", thoughts=thoughts, answer=shot.answer).strip()


def _request(question: Question, solution: str) -> Turn:
    return Turn("user", fill("chameleon_answer", question=question_text(question), solution=within(solution)))
