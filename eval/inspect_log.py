"""Where the Inspect logs of a trial are: one a method, replaced whole, with a note of what it covers.

    logs/react.eval     every play of the method
    logs/react.json     {"plays": 300, "digest": "3fa9c1d2e4b5…"}

A log is written elsewhere and moved here when it is whole, so that a killed process leaves none that is not.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autoact.core.store import read_json, write_json, writing


def has_log(logs: Path, method: str, plays: Iterable[str]) -> bool:
    """Whether the method's log covers these plays and no others."""
    note = logs / f"{method}.json"
    return note.exists() and (logs / f"{method}.eval").exists() and read_json(note) == _covered(plays)


def keep_log(draft: Path, logs: Path, method: str, plays: Iterable[str]) -> None:
    """Move a whole log to its place."""
    note = logs / f"{method}.json"
    with writing(note):
        note.unlink(missing_ok=True)
        draft.replace(logs / f"{method}.eval")
    write_json(note, _covered(plays))


@contextmanager
def drafts(trial: Path) -> Iterator[Path]:
    """A folder for a log that is being written; what a killed process left in it is removed."""
    folder = trial / ".draft"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with writing(folder / "log"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _covered(plays: Iterable[str]) -> dict[str, Any]:
    names = sorted(plays)
    return {"plays": len(names), "digest": hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]}
