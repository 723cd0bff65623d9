"""Write an example out of the installed package.

copy_example("atlas", Path("atlas"))      # atlas/task.yaml, atlas/corpus.jsonl, …, atlas/seed/…
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from autoact.core.errors import RunError, UserError
from autoact.core.store import writing

NAMES = ("atlas",)
MODEL = "seed"


def copy_example(name: str, folder: Path) -> list[Path]:
    """The files written. Raises UserError on an unknown name, RunError rather than overwrite a file."""
    if name not in NAMES:
        raise UserError(f"there is no example {name!r}; choose from {', '.join(NAMES)}")
    files = dict(_files(resources.files("autoact.examples") / name))
    for path in files:
        if (folder / path).exists():
            raise RunError(f"{folder / path} is there already; remove it, or choose another folder")
    written: list[Path] = []
    try:
        for path, source in files.items():
            with writing(folder / path):
                written.append(folder / path)
                written[-1].write_bytes(source.read_bytes())
    except BaseException:
        for file in written:
            file.unlink(missing_ok=True)
        raise
    return written


def _files(example: Traversable) -> Iterator[tuple[str, Traversable]]:
    """Relative path and content of what an example consists of: the task, its data and its model."""
    for item in sorted(example.iterdir(), key=lambda item: item.name):
        if item.is_file() and (item.name == "task.yaml" or item.name.endswith(".jsonl")):
            yield item.name, item
        elif item.is_dir() and item.name == MODEL:
            yield from ((f"{MODEL}/{file.name}", file) for file in item.iterdir() if file.is_file())
