"""Which questions are too alike for both to be learned from.

    known = Known("guarded")
    known.add(QAPair("q1", "What is the currency of Peru?", "sol"))
    known.like(QAPair("q2", "what is currency of Peru", "sol"))             # Like("q1", near=False)
    known.like(QAPair("q3", "What is Peru's currency?", "sol"))             # Like("q1", near=True)
    known.like(QAPair("q4", "What is the currency of Chile?", "peso"))      # None: another name

exact     the same words but for case, articles, spacing and sentence punctuation (core/contamination.py)
guarded   also the same names, numbers, quoted words and negations, and either the same other words in the same order,
          or, when an open answer is the same too, more than three quarters of them, in any order, or, by an embeddings
          model, the same meaning
rouge     also a ROUGE-L of the whole questions above 0.7, as in Self-Instruct (Wang et al. 2023)

Names and numbers may stand elsewhere in the question, but they may not change places: "Did France beat Germany?" is not
"Did Germany beat France?". Without an embeddings model a paraphrase in other words is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autoact.core.contamination import plain_words, question_key
from autoact.core.records import QAPair
from autoact.core.reward import normalize
from autoact.models.embeddings import Embed
from autoact.training.meaning import Meanings
from autoact.training.rouge import Nearest
from autoact.training.wording import wording_of

ROUGE = 0.7
SAME_ANSWER = 0.75  # of the words of two questions, those in common
CLOSED = {"yes", "no", "true", "false"}


@dataclass(frozen=True, slots=True)
class Like:
    """The id of the question that one is like; `near` when its words are not the same."""

    id: str
    near: bool


class Known:
    """Questions, and whether another is like one of them; it is not compared with all of them.

    `beside` says whether another context, caption or text of a picture makes another question; `embed` is the
    embeddings model that `guarded` asks, if any.
    """

    def __init__(
        self,
        how: Literal["exact", "guarded", "rouge"],
        pairs: Iterable[QAPair] = (),
        *,
        beside: bool = True,
        embed: Embed | None = None,
    ) -> None:
        self.how = how
        self._meanings = Meanings(embed) if embed else None
        self.beside = beside
        self._exact: dict[object, str] = {}
        self._same: dict[object, str] = {}
        self._near = Nearest(ROUGE if how == "rouge" else SAME_ANSWER)
        for pair in pairs:
            self.add(pair)

    def add(self, pair: QAPair) -> None:
        """Remember a question."""
        self._exact.setdefault(self._key(pair), pair.id)
        if self.how == "rouge":
            self._near.add(pair.id, _all_words(pair), self._beside(pair))
        if self.how == "guarded":
            wording, group = wording_of(pair.question), self._group(pair)
            self._same.setdefault((group, wording), pair.id)
            bucket = (group, wording.guard(), normalize(pair.answer))
            if not is_closed(pair):
                self._near.add(pair.id, sorted(wording.words), bucket)
            if self._meanings and not is_closed(pair):
                self._meanings.add(pair.id, pair.question, bucket)

    def like(self, pair: QAPair) -> Like | None:
        """A known question that this one is too much like, one with the same words first."""
        if found := self._exact.get(self._key(pair)):
            return Like(found, near=False)
        found = self._near_one(pair)
        return Like(found, near=True) if found else None

    def _near_one(self, pair: QAPair) -> str | None:
        if self.how == "exact":
            return None
        if self.how == "rouge":
            return self._near.find(_all_words(pair), self._beside(pair))
        wording, group = wording_of(pair.question), self._group(pair)
        found = self._same.get((group, wording))
        if found or is_closed(pair):
            return found
        bucket = (group, wording.guard(), normalize(pair.answer))
        found = self._near.find(sorted(wording.words), bucket)
        return found if found or not self._meanings else self._meanings.find(pair.question, bucket)

    def _key(self, pair: QAPair) -> tuple[object, ...]:
        return question_key(pair.shown()), self._beside(pair)

    def _group(self, pair: QAPair) -> tuple[object, ...]:
        """What near-duplicates are shown with: the same choices, in any order, and the same beside them."""
        return tuple(sorted(map(_plain, pair.choices))), self._beside(pair)

    def _beside(self, pair: QAPair) -> tuple[str, ...]:
        if self.beside:
            return _plain(pair.context), _plain(pair.caption), _plain(pair.ocr)
        return (_plain(pair.context),) if pair.choices else ()


def is_closed(pair: QAPair) -> bool:
    """Whether its answer is one of few, so that two questions may well have it by chance."""
    answer = normalize(pair.answer)
    return bool(pair.choices) or not answer or answer in CLOSED


def _plain(text: str) -> str:
    return " ".join(plain_words(text))


def _all_words(pair: QAPair) -> list[str]:
    return [word for text in (pair.question, *pair.choices) for word in re.findall(r"\w+", text.casefold())]
