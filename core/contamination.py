"""Which questions must not be learned from, by hash, so that a benchmark can be named without being kept.

barred = question_keys(pair.question for pair in read_questions(Path("dev.jsonl")))
question_key("what is the  CAPITAL of Peru") in barred
"""

import hashlib
from collections.abc import Iterable

from autoact.core.reward import normalize


def question_key(question: str) -> str:
    """The hash of a question's words: case, punctuation, articles and spacing do not count."""
    return hashlib.sha256(normalize(question).encode("utf-8", "surrogatepass")).hexdigest()


def question_keys(questions: Iterable[str]) -> frozenset[str]:
    """The hashes of many questions."""
    return frozenset(question_key(question) for question in questions)
