"""What a judge is asked, human or model: which of several unnamed trajectories is best in five respects (paper Fig. 6).

judge_chat(question, {"A": steps, "B": steps})          the chat a model is sent
parse_judgement("Rounds: B\\nThoughts: none\\n…", "AB")   {"rounds": "B", "thoughts": "", …}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autoact.core.errors import ParseError
from autoact.core.records import FINISH, REFLECT, Question, Step
from autoact.core.text import line_of, storable
from autoact.prompts.parse import without_thinking
from autoact.prompts.render import Turn, question_text
from autoact.prompts.template import fill

# An observation can be a whole page; a human unfolds it, a model is sent its beginning.
SHOWN_CHARACTERS = 2000

# Actions of ReWOO and Chameleon that ask no tool but the model, and would name their method.
UNTOOLED = ("LLM", "Knowledge")
THINKS = "thinks, without a tool"


@dataclass(frozen=True, slots=True)
class Aspect:
    """A respect in which trajectories are compared; `asks` is the question that a judge answers."""

    id: str
    name: str
    asks: str


ASPECTS = (
    Aspect("rounds", "Number of rounds", "Which takes as many rounds as it needs, and no more?"),
    Aspect("thoughts", "Logic of the thoughts", "Whose thoughts follow from the question and from what was observed?"),
    Aspect("actions", "Types of action", "Which chooses the right kind of action in each round?"),
    Aspect("inputs", "Inputs of the actions", "Which gives its actions the right inputs?"),
    Aspect("coherence", "Overall coherence", "Which holds together best as a whole?"),
)


def shown_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps without reflection, which would tell who reflects, and without names that only one method uses."""
    return tuple(
        replace(step, tool=THINKS) if step.tool in UNTOOLED else step for step in steps if step.tool != REFLECT
    )


def judge_chat(question: Question, trajectories: Mapping[str, Sequence[Step]]) -> list[Turn]:
    """The chat that asks a model to compare trajectories, by their letters."""
    asked = fill(
        "judge",
        question=question_text(question),
        trajectories="\n\n".join(_trajectory(letter, steps) for letter, steps in trajectories.items()),
        aspects="\n".join(f"{aspect.id.capitalize()}: {aspect.asks}" for aspect in ASPECTS),
        count=len(ASPECTS),
        letters=", ".join(trajectories),
    )
    return [Turn("system", fill("judge_system")), Turn("user", asked)]


def parse_judgement(text: str, letters: str) -> dict[str, str]:
    """By aspect, the letter that was chosen, or nothing for no difference.

    Raises ParseError unless each aspect has one choice on its line, alone or with a reason: "1. Rounds: A, since …".
    """
    text = without_thinking(text)
    return {aspect.id: _choice(text, aspect, letters) for aspect in ASPECTS}


def _choice(text: str, aspect: Aspect, letters: str) -> str:
    start, reason = r"[^\w\n]*(?:\d+[^\w\n]+)?", r"(?:[^\w\n]+(?:since|because|as|for)\b.*)?"
    line = rf"(?im)^{start}{aspect.id}[^\w\n]*:[^\w\n]*(none|[{letters}])(?:{reason}|[^\w\n]*)$"
    chosen = {found.lower() for found in re.findall(line, text)}
    if len(chosen) != 1:
        raise ParseError(f"no one line '{aspect.id.capitalize()}:' with one of {', '.join(letters)} or none")
    choice = chosen.pop()
    return "" if choice == "none" else choice.upper()


def _trajectory(letter: str, steps: Sequence[Step]) -> str:
    rounds = [_step(number, step) for number, step in enumerate(steps, start=1)]
    if not steps or steps[-1].tool != FINISH:
        rounds.append(fill("judge_unanswered"))
    return fill("judge_trajectory", letter=letter, steps="\n".join(rounds))


def _step(number: int, step: Step) -> str:
    """A round, each of its texts on one line, so that none can look like a trajectory of its own."""
    if step.tool == FINISH:
        return fill("judge_finish", number=number, thought=_shown(step.thought), answer=_shown(step.argument))
    return fill(
        "judge_step",
        number=number,
        thought=_shown(step.thought),
        tool=_shown(step.tool),
        argument=_shown(step.argument),
        observation=_shown(step.observation),
    )


def _shown(text: str) -> str:
    return line_of(storable(text), SHOWN_CHARACTERS) if text.strip() else "none"
