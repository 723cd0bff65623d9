"""Which question means the same as another, by embeddings.

    meanings = Meanings(embed)
    meanings.add("q1", "What is the currency of Peru?", bucket)
    meanings.find("Which money is used in Peru?", bucket)     # "q1"

Only questions of one bucket are compared, and a question is embedded when there is another in its bucket.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from autoact.models.embeddings import Embed, Vector

SAME = 0.9  # cosine of two questions with the same names, numbers and answer


@dataclass
class Meanings:
    """Questions by bucket."""

    embed: Embed
    _buckets: dict[Hashable, list[tuple[str, str]]] = field(default_factory=dict)
    _vectors: dict[str, Vector] = field(default_factory=dict)

    def add(self, name: str, text: str, bucket: Hashable) -> None:
        """Remember a question."""
        self._buckets.setdefault(bucket, []).append((name, text))

    def find(self, text: str, bucket: Hashable) -> str | None:
        """The question of the bucket that is nearest in meaning, if near enough. Raises EndpointError."""
        others = self._buckets.get(bucket, [])
        if not others:
            return None
        self._read([text, *(other for _, other in others)])
        nearness, name = max((_cosine(self._vectors[text], self._vectors[other]), name) for name, other in others)
        return name if nearness >= SAME else None

    def _read(self, texts: list[str]) -> None:
        unread = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if unread:
            self._vectors.update(zip(unread, self.embed(unread), strict=True))


def _cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
