"""A part of the questions for one of several machines, told by the hash of a question's id, and taken over by id.

shard = shard_of("2/4")
shard.share(pairs)      # about a quarter of them, the same on every machine
take_over(store, Store(path, Scored), progress)     # what that machine played
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from autoact.core.errors import UserError
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored
from autoact.core.seeds import seed_of
from autoact.core.store import Store


@dataclass(frozen=True, slots=True)
class Shard:
    """The `number`th of `count` parts; the first is 1."""

    number: int
    count: int

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"{self.number}-of-{self.count}"

    def share(self, pairs: Iterable[QAPair]) -> tuple[QAPair, ...]:
        """The questions that are its own."""
        return tuple(pair for pair in pairs if seed_of("shard", pair.id) % self.count == self.number - 1)


def shard_of(text: str) -> Shard:
    """The shard that `2/4` names. Raises UserError."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise UserError(f"--shard {text} is no part; write 1/4 for the first of four, up to 4/4")
    return Shard(number, count)


def take_over(
    store: Store[Scored], played: Store[Scored], progress: Progress, wanted: Callable[[Scored], bool] = lambda _: True
) -> None:
    """Append what the store lacks of the wanted plays; of two records of one play the first stays, and it is said."""
    names = [scored.id for scored in played if wanted(scored)]
    both = [name for name in names if name in store]
    pairs = zip(store.pick(both), played.pick(both), strict=True)
    differ = [ours.id for ours, theirs in pairs if ours != theirs]
    for scored in played.pick(name for name in names if name not in store):
        store.append(scored)
    if differ:
        progress.say(
            f"{played.path}: {len(differ)} plays, such as {differ[0]}, were played elsewhere too; those are kept"
        )
