"""What was computed for a conversation is kept for its next turn, by longest common prefix.

    store = PrefixStore(max_bytes=1 << 30)
    store.keep("plan", ids, layers)                  # when a request is done
    prefix = store.find("plan", longer_ids)          # prefix.length tokens need no prefill

Prefixes are kept per adapter, as keys and values differ between them; the least recently used goes first.
A conversation that has grown replaces its shorter self.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Layers = list[tuple[Any, Any]]
WIDTH = array("q").itemsize
# Below this many tokens, gathering a prefix costs more than computing it.
WORTH = 16


@dataclass(frozen=True, slots=True)
class Prefix:
    """Keys and values per layer, (1, heads, ≥ length, size); the first `length` columns are the prefix."""

    length: int
    layers: Layers


class PrefixStore:
    """Keys and values by adapter and token ids, within `max_bytes`; to be used from one thread."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[tuple[str | None, bytes], Layers] = OrderedDict()
        self._bytes = 0

    def find(self, adapter: str | None, ids: Sequence[int]) -> Prefix:
        """The longest kept prefix of `ids`, at most all but the last token; length 0 when there is none."""
        # The last token is always computed: its logits are what the next one is sampled from.
        wanted = _packed(ids[:-1])
        best, best_key = WORTH - 1, None
        for key in self._held:
            # Most entries differ early: one comparison tells whether this one can be longer at all.
            at = (best + 1) * WIDTH
            if key[0] == adapter and len(wanted) >= at and key[1][:at] == wanted[:at]:
                best, best_key = common(key[1], wanted), key
        if best_key is None:
            return Prefix(0, [])
        self._held.move_to_end(best_key)
        return Prefix(best, self._held[best_key])

    def keep(self, adapter: str | None, ids: Sequence[int], layers: Layers) -> None:
        """Hold `layers`, the keys and values of `ids`, in the place of every prefix of them.

        What alone is more than `max_bytes` is not held and drives nothing out.
        """
        if _size(layers) > self._max_bytes:
            return
        new = _packed(ids)
        for key in [key for key in self._held if key[0] == adapter and new.startswith(key[1])]:
            self._forget(key)
        self._held[adapter, new] = layers
        self._bytes += _size(layers)
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._held)))

    def _forget(self, key: tuple[str | None, bytes]) -> None:
        self._bytes -= _size(self._held.pop(key))


def common(one: bytes, other: bytes) -> int:
    """How many leading tokens two packed sequences share, by halving."""
    low, high = 0, min(len(one), len(other)) // WIDTH
    while low < high:
        middle = (low + high + 1) // 2
        if one[: middle * WIDTH] == other[: middle * WIDTH]:
            low = middle
        else:
            high = middle - 1
    return low


def _packed(ids: Sequence[int]) -> bytes:
    return array("q", ids).tobytes()


def _size(layers: Layers) -> int:
    return sum(int(tensor.nbytes) for pair in layers for tensor in pair)
