"""Records on disk: JSON Lines, appended and flushed, resumed by reading what is there.

    store = Store(run / "questions.jsonl", QAPair)
    if pair.id not in store:
        store.append(pair)          # after a kill -9 here the record is there, whole

A torn last line (a write that a kill cut short) is dropped on opening; a broken line anywhere else is an
error that names it, since somebody must have edited the file.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from autoact.core.errors import RunError
from autoact.core.records import from_json, to_json


class Identified(Protocol):
    """What a store keeps: any record with an id."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Identified)
T = TypeVar("T")


class Store(Generic[R]):
    """The records of one file, by id, in the order of writing. One process at a time may append."""

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.path = path
        self._records: dict[str, R] = {}
        self._size = 0
        for record in self._read(kind):
            self._records[record.id] = record

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._records

    def __getitem__(self, record_id: str) -> R:
        return self._records[record_id]

    def __iter__(self) -> Iterator[R]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def append(self, *records: R) -> None:
        """Write the records as one block, or none of them. Raises RunError when the disk takes no more."""
        block = b"".join(json_line(to_json(record)) for record in records)
        # Unbuffered: closing a buffered file would write the rest of a block that failed.
        with writing(self.path), self.path.open("ab", buffering=0) as file:
            file.truncate(self._size)
            try:
                left = block
                while left:
                    left = left[file.write(left) :]
            except OSError:
                file.truncate(self._size)
                raise
        self._size += len(block)
        for record in records:
            self._records[record.id] = record

    def _read(self, kind: type[R]) -> Iterator[R]:
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        self._size = data.rfind(b"\n") + 1
        for number, line in enumerate(data[: self._size].splitlines(), start=1):
            try:
                yield from_json(kind, json.loads(line))
            except ValueError as problem:
                raise RunError(
                    f"{self.path} line {number} is not a {kind.__name__} ({problem}): "
                    "restore the file, or delete it to redo its stage"
                ) from None


class writing:
    """Turns an OSError while writing `path` into one clear RunError; makes the folder first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise _write_error(self.path, problem) from problem

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, OSError):
            raise _write_error(self.path, problem) from problem


def _write_error(path: Path, problem: OSError) -> RunError:
    if problem.errno == errno.ENOSPC:
        return RunError(f"{path}: the disk is full; free some space and run the same command again")
    return RunError(f"{path} cannot be written ({problem.strerror}); choose another folder")


def json_line(data: Any) -> bytes:
    """One JSON value as a line of UTF-8; a lone surrogate, which a model can emit, stays escaped."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def write_json(path: Path, data: Any) -> None:
    """Write a JSON file whole or not at all: a temporary file, then a rename."""
    draft = path.with_name(path.name + ".part")
    with writing(path):
        try:
            text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
            draft.write_text(text, encoding="utf-8", errors="backslashreplace")
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


def read_record(path: Path, kind: type[T]) -> T:
    """The record that a JSON file holds. Raises RunError naming the file."""
    try:
        return from_json(kind, read_json(path))
    except ValueError as problem:
        raise RunError(
            f"{path} is not a {kind.__name__} ({problem}); restore it, or delete it to redo its stage"
        ) from None


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises RunError naming the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} does not exist; is {path.parent} a run folder of `autoact learn`?") from None
    except ValueError as problem:
        raise RunError(f"{path} is not JSON ({problem}); delete it to redo its stage") from None
