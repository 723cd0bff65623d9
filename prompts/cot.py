"""The chat of a model that thinks before it answers and uses no tool: chain of thought (Wei et al. 2022).

user       Question: What is the currency of the country whose capital is Lima?
think  →   Thought: Lima is the capital of Peru. Its currency is the sol.⏎Action: Finish[sol]
"""

from __future__ import annotations

import re

from autoact.core.records import FINISH, Demonstration, Question
from autoact.prompts.parse import without_thinking
from autoact.prompts.react import ReactTurn, parse_react, react_turn
from autoact.prompts.render import Brief, Turn, plan_turn, question_text
from autoact.prompts.template import fill

_ANSWER = re.compile(r"\banswer is\b:?", re.IGNORECASE)


def cot_chat(brief: Brief, question: Question) -> list[Turn]:
    """The chat up to the model's turn; a demonstration is the thoughts of its steps, one after another."""
    shown = [turn for shot in brief.shots for turn in _shown(shot)]
    asked = Turn("user", question_text(question))
    return [Turn("system", fill("cot_system", description=brief.description)), *shown, asked]


def answer_chat(brief: Brief, question: Question, thought: str) -> list[Turn]:
    """The chat that asks for the answer which the model's turn left out."""
    return [*cot_chat(brief, question), plan_turn(thought, FINISH), Turn("user", brief.say("input", tool=FINISH))]


def parse_cot(text: str) -> ReactTurn:
    """The thought, and the answer in Finish[…] or after the last "answer is"; None when neither is there."""
    turn = parse_react(text, (FINISH,))
    if turn.tool == FINISH and turn.argument is not None:
        return turn
    lines = (rest.partition("\n")[0] for rest in _ANSWER.split(without_thinking(text))[1:])
    said = [answer for line in lines if (answer := line.lstrip().rstrip(" \t."))]
    return ReactTurn(turn.thought, FINISH, said[-1] if said else None)


def _shown(shot: Demonstration) -> tuple[Turn, Turn]:
    rationale = " ".join(step.thought for step in shot.steps)
    return Turn("user", question_text(shot.question)), react_turn(rationale, FINISH, shot.answer)
