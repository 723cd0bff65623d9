"""Questions of a published benchmark from the Hugging Face hub, for who has no files of it.

    hub_rows(HOTPOTQA.hub, HOTPOTQA.reader, ("easy", "hard"), 100)

A hundred questions of each level are drawn by a fixed seed. They are not the paper's own, and every report says so.
Needs the package datasets and a network, the first time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autoact.core.errors import TaskError
from autoact.core.seeds import seed_of
from autoact.eval.rows import Reader, Row, check_pair

if TYPE_CHECKING:
    from datasets import Dataset

SEED = 0


@dataclass(frozen=True, slots=True)
class Hub:
    """Where a benchmark lies on the hub.

    splits: level → the split that holds its questions. columns: those that `to_line` reads. level_of: the level of a
    value of `column`; "" for one that is not measured. to_line: a row and its name → a line as the files have it.
    """

    repo: str
    config: str
    splits: Mapping[str, str]
    columns: tuple[str, ...]
    column: str
    level_of: Callable[[Any], str]
    to_line: Callable[[Mapping[str, Any], str], dict[str, Any]]

    def note(self) -> str:
        """What a report says of questions from here."""
        return f"questions drawn from {self.repo} on the hub by seed {SEED}; they are not the paper's own"


def hub_rows(hub: Hub, reader: Reader, levels: tuple[str, ...], size: int) -> tuple[Row, ...]:
    """The questions of the levels. Raises TaskError without the package or a network, and on a row that is wrong."""
    return tuple(row for level in levels for row in draw(hub, reader, _load(hub, hub.splits[level]), level, size))


def draw(hub: Hub, reader: Reader, dataset: Dataset, level: str, size: int) -> list[Row]:
    """So many questions of a level out of a split, always the same, in the split's order."""
    among = [number for number, value in enumerate(dataset[hub.column]) if hub.level_of(value) == level]
    chosen = sorted(random.Random(seed_of(SEED, hub.repo, level)).sample(among, min(size, len(among))))
    wanted = dataset.select_columns(list(hub.columns)).select(chosen)
    rows = []
    for number, row in zip(chosen, wanted, strict=True):
        name = f"{hub.splits[level]}-{number}"
        try:
            rows.append(reader(hub.to_line(row, name), name))
            check_pair(rows[-1].pair)
        except ValueError as problem:
            raise TaskError(f"{hub.repo} on the hub, row {number} of {hub.splits[level]}: {problem}") from None
    return rows


def _load(hub: Hub, split: str) -> Dataset:
    instead = "or give --data the folder of its files"
    try:
        from datasets import load_dataset
    except ImportError:
        raise TaskError(f"{hub.repo} is on the hub, which needs datasets: pip install datasets, {instead}") from None
    try:
        return load_dataset(hub.repo, hub.config, split=split)
    except (OSError, ValueError) as problem:
        said = " ".join(str(problem).split())
        raise TaskError(
            f"{hub.repo} cannot be read from the hub ({said:.200}); see to the network, {instead}"
        ) from None
