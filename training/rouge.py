"""ROUGE-L between word lists, and finding a list that is alike without comparing with every one.

>>> rouge_l("what is the currency of peru".split(), "what is the currency of chile".split())
0.8333333333333334
near = Nearest(above=0.7)
near.add("q1", ("what", "is", "the", "currency", "of", "peru"))
near.find(("what", "is", "the", "old", "currency", "of", "peru"))     # "q1"
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence


def rouge_l(words: Sequence[str], others: Sequence[str]) -> float:
    """The F-measure of the longest common subsequence, in [0, 1]; 0 when both are empty."""
    total = len(words) + len(others)
    return 2 * common(places_of(words), len(words), others) / total if total else 0.0


def places_of(words: Sequence[str]) -> dict[str, int]:
    """Where each word stands, as the bits of a number."""
    places: dict[str, int] = {}
    for at, word in enumerate(words):
        places[word] = places.get(word, 0) | 1 << at
    return places


def common(places: dict[str, int], length: int, others: Sequence[str]) -> int:
    """The length of the longest common subsequence: all cells of a row of the table in one step (Hyyrö 2004)."""
    row = every = (1 << length) - 1
    for word in others:
        met = row & places.get(word, 0)
        row = (row + met) | (row - met)
    return length - (row & every).bit_count()


class Nearest:
    """Word lists in groups, and whether one of a group has a ROUGE-L above a bound with a given list.

    A list of n words that shares at least k with another shares one of any n - k + 1 of its words. So only lists
    that hold one of its n - k + 1 rarest words are looked at: of questions, those with a rare word in common.
    """

    def __init__(self, above: float) -> None:
        self.above = above
        self._lists: list[tuple[str, Sequence[str], frozenset[str]]] = []
        self._lengths: defaultdict[Hashable, dict[int, None]] = defaultdict(dict)
        self._holding: defaultdict[Hashable, list[int]] = defaultdict(list)

    def add(self, name: str, words: Sequence[str], group: Hashable = ()) -> None:
        """Remember a list under a name."""
        self._lengths[group][len(words)] = None
        for word in _numbered(words):
            self._holding[group, len(words), word].append(len(self._lists))
        self._lists.append((name, words, frozenset(words)))

    def find(self, words: Sequence[str], group: Hashable = ()) -> str | None:
        """The name of a list of the group that is alike, or None."""
        places, seen = places_of(words), set[int]()
        distinct = frozenset(words)
        repeated = len(words) - len(distinct)
        for length in self._lengths.get(group, ()):
            least = self.above * (len(words) + length) / 2
            for number in self._candidates(words, group, length):
                if number in seen:
                    continue
                seen.add(number)
                name, others, held = self._lists[number]
                # Most candidates have too few words in common, which is seen at once.
                if len(held & distinct) + repeated > least and common(places, len(words), others) > least:
                    return name
        return None

    def _candidates(self, words: Sequence[str], group: Hashable, length: int) -> Iterator[int]:
        """The lists of a length that could be alike, some more than once."""
        shared = int(self.above * (len(words) + length) / 2) + 1
        if shared > min(len(words), length):
            return
        holding = [self._holding.get((group, length, word), []) for word in _numbered(words)]
        for numbers in sorted(holding, key=len)[: len(words) - shared + 1]:
            yield from numbers


def _numbered(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The words, a repeated one told from its first."""
    times: defaultdict[str, int] = defaultdict(int)
    for word in words:
        yield word, times[word]
        times[word] += 1
