"""Which questions must not be learned from, by hash, so that a benchmark can be named without being kept.

barred = question_keys(pair.shown() for pair in read_questions(Path("dev.jsonl")))
question_key(Question("what is the  CAPITAL of Peru")) in barred
"""

import hashlib
import unicodedata
from collections.abc import Iterable

from autoact.core.records import Question

SENTENCE_MARKS = "?!.,;:\"'()“”‘’"
ARTICLES = {"a", "an", "the"}


def question_key(shown: Question) -> str:
    """The hash of a question's words, whatever their case, spacing, articles and sentence punctuation.

    Signs within a word or on their own count (`1.5`, `3 * 4`). One question over other choices or, if it has
    choices, over another context is another question, as multiple-choice benchmarks have it.
    """
    parts = [plain_words(shown.question)]
    if shown.choices:
        parts += [plain_words(shown.context), *sorted(map(plain_words, shown.choices))]
    text = "\x1f".join(" ".join(words) for words in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plain_words(text: str) -> list[str]:
    """The words that count, in their order: no case, no articles, no sentence punctuation."""
    whole = unicodedata.normalize("NFC", text)  # a letter and its accent may be two characters
    words = (word.strip(SENTENCE_MARKS) for word in whole.casefold().split())
    return [word for word in words if word and word not in ARTICLES]


def question_keys(questions: Iterable[Question]) -> frozenset[str]:
    """The hashes of many questions."""
    return frozenset(question_key(question) for question in questions)
