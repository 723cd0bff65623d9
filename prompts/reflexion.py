"""What a model is asked after a try that failed: what to learn from it (Shinn et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence

from autoact.core.records import Question, Step
from autoact.prompts.parse import without_thinking
from autoact.prompts.react import react_turn
from autoact.prompts.render import Turn, question_text
from autoact.prompts.specialist import within
from autoact.prompts.template import fill


def lesson_chat(question: Question, trial: Sequence[Step]) -> list[Turn]:
    """The chat that asks for a lesson; the try is told in one user turn."""
    told = "\n".join(line for step in trial for line in _told(step))
    return [
        Turn("system", fill("lesson_system")),
        Turn("user", fill("lesson", question=question_text(question), trial=told)),
    ]


def parse_lesson(text: str) -> str:
    """The lesson, on one line."""
    return " ".join(without_thinking(text).split())


def _told(step: Step) -> list[str]:
    observed = [fill("observation", observation=within(step.observation))] if step.observation else []
    return [react_turn(within(step.thought), step.tool, within(step.argument)).text, *observed]
