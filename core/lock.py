"""One process at a time works on a run folder.

    with locked(run):
        …

The lock is the operating system's, so a killed process leaves none behind.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoact.core.errors import RunError
from autoact.core.store import writing


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder, made if missing. Raises RunError when another process holds it."""
    path = folder / ".lock"
    with writing(path):
        file = path.open("ab")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(f"{folder} is in use by another process; wait for it, or choose another folder") from None
        yield
