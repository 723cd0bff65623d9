"""Which questions must not be learned from, by hash, so that a benchmark can be named without being kept.

barred = question_keys(pair.shown() for pair in read_questions(Path("dev.jsonl")))
question_key(Question("what is the  CAPITAL of Peru")) in barred
"""

import hashlib
from collections.abc import Iterable

from autoact.core.records import Question
from autoact.core.reward import normalize


def question_key(shown: Question) -> str:
    """The hash of the words of a question and of what is shown with it, in whatever order the choices are.

    Case, punctuation, articles and spacing do not count. One question over other choices or another context is
    another question, as multiple-choice benchmarks have it.
    """
    parts = [shown.question, shown.context, *sorted(shown.choices)]
    text = "\x1f".join(normalize(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def question_keys(questions: Iterable[Question]) -> frozenset[str]:
    """The hashes of many questions."""
    return frozenset(question_key(question) for question in questions)
