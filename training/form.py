"""What a task's pairs look like, as its examples have it, and what is wrong with a pair that looks otherwise.

form = form_of(task.seeds())            # {"caption": False, "choices": True}: some have a caption, all choices
problem_of(pair, form)                  # "the answer is none of the choices", or "" when nothing is wrong
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autoact.core.records import QAPair
from autoact.core.reward import choice_index, reward_of

FIELDS = ("context", "caption", "ocr", "choices")


def form_of(examples: Sequence[QAPair]) -> dict[str, bool]:
    """The fields that examples have beside question and answer, and whether all of them do.

    A picture counts as a caption: a model that writes questions cannot draw (paper §3, on ScienceQA).
    """
    has = {field: [_has(pair, field) for pair in examples] for field in FIELDS}
    return {field: all(flags) for field, flags in has.items() if any(flags)}


def problem_of(pair: QAPair, form: Mapping[str, bool]) -> str:
    """What is wrong with a pair, in a few words; empty when nothing is."""
    for field in FIELDS:
        if form.get(field) and not getattr(pair, field):
            return f"it has no {field}"
        if getattr(pair, field) and field not in form:
            return f"it has {field}, and the task's examples have not"
    # As they are written: "Dear Ann," and "dear Ann," can be two choices, and so can 1.5 and 15.
    if len({" ".join(choice.split()) for choice in pair.choices}) < len(pair.choices):
        return "two choices are the same"
    if pair.choices and choice_index(pair.answer, pair.choices) is None:
        return "the answer is none of the choices"
    return "" if reward_of(pair.answer, pair).value == 1 else "no answer could be right"


def spelt(pair: QAPair) -> QAPair:
    """The pair with its answer in the words of the choice that it names, be it by letter."""
    index = choice_index(pair.answer, pair.choices) if pair.choices else None
    return pair if index is None else replace(pair, answer=pair.choices[index])


def _has(pair: QAPair, field: str) -> bool:
    return bool(getattr(pair, field)) or (field == "caption" and bool(pair.image))
