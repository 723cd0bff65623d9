"""The latest answers of live tools, as many as there is room for.

answers = Answers(most=1024, largest=64_000_000)
answers.keep("key", Answer("Lima"))
answers.find("key")                  # Answer("Lima"), or None once newer ones needed its room
"""

from __future__ import annotations

import json
from collections import OrderedDict

from autoact.tools.cassette import Answer


class Answers:
    """Answers by key, the one longest unused left out first; it is its owner who sees to threads."""

    def __init__(self, most: int, largest: int) -> None:
        self._most = most
        self._largest = largest
        self._size = 0
        self._kept: OrderedDict[str, tuple[Answer, int]] = OrderedDict()

    def find(self, key: str) -> Answer | None:
        """The answer under a key, now the one used last."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def keep(self, key: str, answer: Answer) -> None:
        """Remember an answer, and forget others until all have room; one too large for that is none to remember."""
        self._forget(key)
        size = len(answer.text) + len(json.dumps(answer.artifact))
        self._kept[key] = answer, size
        self._size += size
        while len(self._kept) > self._most or self._size > self._largest:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: str) -> None:
        _, size = self._kept.pop(key, (None, 0))
        self._size -= size
