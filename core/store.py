"""Records on disk: JSON Lines, appended and flushed, resumed by reading what is there.

    store = Store(run / "questions.jsonl", QAPair)
    if pair.id not in store:
        store.append(pair)          # after a kill -9 here the record is there, whole
    store[pair.id], list(store)     # read from the file each time
    store.pick(ids)                 # a sequence of those, read as it is gone through

What is kept in memory is where each record begins. A torn last line (a write that a kill cut short) is dropped on
opening; a broken line anywhere else is an error that names it, since somebody must have edited the file.
"""

from __future__ import annotations

import errno
import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, overload

from autoact.core.errors import RunError
from autoact.core.index import Index
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
        self._kind = kind
        self._index = Index()
        self._size = 0
        for number, line in enumerate(self._whole_lines(), start=1):
            self._index.put(self._record(line, f"line {number}").id, self._size)
            self._size += len(line)

    def __contains__(self, record_id: str) -> bool:
        return self._index.number(record_id) is not None

    def __getitem__(self, record_id: str) -> R:
        return self.pick([record_id])[0]

    def __iter__(self) -> Iterator[R]:
        return self.numbered(range(len(self)))

    def __len__(self) -> int:
        return len(self._index)

    def pick(self, ids: Iterable[str]) -> Records[R]:
        """The records of these ids, in their order. Raises KeyError on one that is not there."""
        numbers = array("q")
        for name in ids:
            number = self._index.number(name)
            if number is None:
                raise KeyError(name)
            numbers.append(number)
        return Records(self, numbers)

    def numbered(self, numbers: Iterable[int]) -> Iterator[R]:
        """Records by their place in the order of writing."""
        if not len(self):
            return
        with reading(self.path), self.path.open("rb") as file:
            for number in numbers:
                start = file.seek(self._index.at(number))
                yield self._record(file.readline(), f"at byte {start}")

    def refuse_strangers(self, ids: Iterable[str]) -> None:
        """Raises RunError when there is a record of another id than these, each of which is named once."""
        names = list(ids)
        if len(self) > sum(name in self for name in names):
            known = set(names)
            stranger = next(record.id for record in self if record.id not in known)
            raise RunError(
                f"{self.path} holds {stranger}, which is of another run or other settings: restore the file, or delete "
                "it to redo its stage"
            )

    def append(self, *records: R) -> None:
        """Write the records as one block, or none of them. Raises RunError when the disk takes no more."""
        lines = [json_line(to_json(record)) for record in records]
        # Unbuffered: closing a buffered file would write the rest of a block that failed.
        with writing(self.path), self.path.open("ab", buffering=0) as file:
            file.truncate(self._size)
            try:
                left = b"".join(lines)
                while left:
                    left = left[file.write(left) :]
            except OSError:
                file.truncate(self._size)
                raise
        for record, line in zip(records, lines, strict=True):
            self._index.put(record.id, self._size)
            self._size += len(line)

    def _whole_lines(self) -> Iterator[bytes]:
        if not self.path.exists():
            return
        with reading(self.path), self.path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))

    def _record(self, line: bytes, place: str) -> R:
        try:
            return from_json(self._kind, json.loads(line))
        except ValueError as problem:
            raise RunError(
                f"{self.path} {place} is not a {self._kind.__name__} ({problem}): "
                "restore the file, or delete it to redo its stage"
            ) from None


class Records(Sequence[R]):
    """Some records of a store in an order of their own, each read from the file whenever it is come to."""

    def __init__(self, store: Store[R], numbers: Sequence[int]) -> None:
        self._store = store
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[R]:
        return self._store.numbered(self._numbers)

    @overload
    def __getitem__(self, at: int) -> R: ...

    @overload
    def __getitem__(self, at: slice) -> Records[R]: ...

    def __getitem__(self, at: int | slice) -> R | Records[R]:
        if isinstance(at, slice):
            return Records(self._store, self._numbers[at])
        return next(self._store.numbered([self._numbers[at]]))


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


class reading:
    """Turns an OSError while reading `path` into one clear RunError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, OSError):
            raise RunError(f"{self.path} cannot be read ({problem.strerror}); see to it") from problem


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
    except OSError as problem:
        raise RunError(f"{path} cannot be read ({problem.strerror}); see to it") from problem
    except ValueError as problem:
        raise RunError(f"{path} is not JSON ({problem}); delete it to redo its stage") from None
