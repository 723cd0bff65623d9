"""A published benchmark in the paper's form: so many questions of each level, from files or from the hub.

    DATA/hotpotqa/easy.jsonl, medium.jsonl, hard.jsonl
    DATA/scienceqa/grade1-4.jsonl, grade5-8.jsonl, grade9-12.jsonl

    taken = take(HOTPOTQA, Path("DATA"))
    taken.notes          # ("easy: 100, medium: 100, hard: none – the paper has 100 of each",)

A level whose file is missing is said in the notes, and so is any number that is not the paper's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoact.core.errors import TaskError
from autoact.eval.hub import Hub, hub_rows
from autoact.eval.rows import Reader, Row, read_rows

DATA_VARIABLE = "AUTOACT_DATA"


@dataclass(frozen=True, slots=True)
class Published:
    """files: level → the name of its file. size: how many questions of a level the paper has."""

    name: str
    files: Mapping[str, str]
    size: int
    reader: Reader
    hub: Hub


@dataclass(frozen=True, slots=True)
class Taken:
    """Questions, and what a reader of the figures must know about them."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def take(published: Published, data: Path | None, level: str = "") -> Taken:
    """The questions, or those of one level, from a folder or file, or from the hub if there is none.

    Raises TaskError.
    """
    if level and level not in published.files:
        raise TaskError(f"--split {level} is no level of {published.name}; there is {', '.join(published.files)}")
    levels = (level,) if level else tuple(published.files)
    if data is None:
        rows = hub_rows(published.hub, published.reader, levels, published.size)
        return Taken(rows, (*_counted(published, rows, levels), published.hub.note()))
    read = read_rows(_files(published, data, levels), published.reader)
    rows = tuple(row for row in read if row.pair.level in levels)
    if not rows:
        raise TaskError(f"{data} holds no question of level {level}; leave out --split or give another file")
    return Taken(rows, _counted(published, rows, levels))


def _files(published: Published, data: Path, levels: tuple[str, ...]) -> list[Path]:
    """The files of the levels that are there; a file holds questions of any level."""
    if data.is_file():
        return [data]
    if not data.is_dir():
        raise TaskError(f"{data} does not exist; give --data or {DATA_VARIABLE} a folder or file of {published.name}")
    folder = data / published.name if (data / published.name).is_dir() else data
    files = [folder / published.files[level] for level in levels]
    there = [path for path in files if path.is_file()]
    if not there:
        names = ", ".join(path.name for path in files)
        raise TaskError(f"{folder} holds none of {names}; give --data or {DATA_VARIABLE} a folder that does")
    return there


def _counted(published: Published, rows: tuple[Row, ...], levels: tuple[str, ...]) -> tuple[str, ...]:
    """A note, unless each level has the paper's number of questions."""
    found = Counter(row.pair.level for row in rows)
    if all(found[level] == published.size for level in levels):
        return ()
    counts = ", ".join(f"{level}: {found[level] or 'none'}" for level in levels)
    return (f"{counts} – the paper has {published.size} of each",)
