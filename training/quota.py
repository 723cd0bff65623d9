"""How many questions may have the same answer, so that a run does not learn one answer.

    quota = Quota(share=0.1, wanted=300)
    quota.widen(pairs)                      # what answers there are
    quota.full(pair)                        # True once 30 kept questions have its answer; of yes and no, 150

Few answers are allowed more each: a task whose answers are three words cannot spread them over ten.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from autoact.core.records import QAPair
from autoact.core.reward import choice_index, normalize

CLOSED = {"yes", "no", "true", "false", *"abcdefgh"}
CLOSED_SHARE = 0.5
UNEVEN = 1.5  # how far above an even share of the answers seen one may go
LEAST = 2


class Quota:
    """The answers of the questions that are kept, and which of them have no room left."""

    def __init__(self, share: float, wanted: int) -> None:
        self.share = share
        self.wanted = wanted
        self.held: Counter[str] = Counter()
        self._given: set[str] = set()

    def widen(self, pairs: Iterable[QAPair]) -> None:
        """The answers that this round gives, whether kept or not; those of rounds before are forgotten.

        A run that is gone on with knows no more of those than what was kept.
        """
        self._given = set(map(answer_key, pairs))

    def add(self, pair: QAPair) -> None:
        """A question is kept."""
        self.held[answer_key(pair)] += 1

    def full(self, pair: QAPair) -> bool:
        """Whether as many questions as may have this answer."""
        return self.held[answer_key(pair)] >= self.limit(pair)

    def limit(self, pair: QAPair) -> int:
        """How many questions may have this answer."""
        closed = bool(pair.choices) or answer_key(pair) in CLOSED
        even = CLOSED_SHARE if closed else UNEVEN / max(len(self._given | self.held.keys()), 1)
        # Rounded first: 0.1 * 300 is a little more than 30.
        return max(LEAST, math.ceil(round(self.wanted * max(self.share, even), 6)))


def answer_key(pair: QAPair) -> str:
    """What makes two answers the same: their words, or which of the choices they name."""
    index = choice_index(pair.answer, pair.choices) if pair.choices else None
    if index is not None:
        return f"choice {index}"
    return normalize(pair.answer) or pair.answer.casefold().strip()
