"""Where each record of a file lies, by its id: about 36 bytes a record, however long the ids.

    index = Index()
    index.put("q1/0", at=0)
    index.put("q1/1", at=480)
    index.number("q1/1"), index.at(1), index.number("q2/0")      # 1, 480, None

An id is known by a digest of 16 bytes: two different ids meet in one about as soon as the disk reads a wrong bit.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b

SIZE = 16
# Slots that a record takes at most two thirds of; a power of two.
FIRST = 8


class Index:
    """Ids, numbered in the order of their coming, and the byte that the record of each begins at."""

    def __init__(self) -> None:
        self._starts = array("q")
        self._digests = bytearray()
        # Open addressing: a slot holds one more than the number of its id, or 0.
        self._slots = array("I", [0]) * FIRST

    def __len__(self) -> int:
        return len(self._starts)

    def at(self, number: int) -> int:
        """Where the record of this number begins."""
        return self._starts[number]

    def number(self, name: str) -> int | None:
        """The number of an id; None of one that is not there."""
        slots = self._slots
        one_more = slots[self._slot(_digest(name), slots)]
        return one_more - 1 if one_more else None

    def put(self, name: str, at: int) -> None:
        """Note where a record begins; one that was there before keeps its number."""
        digest = _digest(name)
        slot = self._slot(digest, self._slots)
        if self._slots[slot]:
            self._starts[self._slots[slot] - 1] = at
            return
        self._starts.append(at)
        self._digests += digest
        self._slots[slot] = len(self._starts)
        if 3 * len(self._starts) > 2 * len(self._slots):
            self._grow()

    def _slot(self, digest: bytes, slots: array[int]) -> int:
        """The slot that holds a digest, or the free one that it would take."""
        last = len(slots) - 1
        slot = int.from_bytes(digest[:8], "little") & last
        while (one_more := slots[slot]) and self._digests[SIZE * (one_more - 1) : SIZE * one_more] != digest:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        slots = array("I", [0]) * (2 * len(self._slots))
        for number in range(len(self._starts)):
            digest = bytes(self._digests[SIZE * number : SIZE * (number + 1)])
            slots[self._slot(digest, slots)] = number + 1
        # Whole, since another thread may be looking something up.
        self._slots = slots


def _digest(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()
