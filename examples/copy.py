"""Write an example out of the installed package.

copy_example("atlas", Path("atlas"))      # atlas/task.yaml, atlas/corpus.jsonl, …, atlas/seed/…

What an example's task file names in another one's folder (`../atlas/seed`) is written beside the task file instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from autoact.core.errors import RunError, UserError
from autoact.core.store import writing

NAMES = ("atlas", "atlas_choice")
TASK, MODEL = "task.yaml", "seed"
_ELSEWHERE = re.compile(r"\.\./(\w+)/([\w.]+)")


def copy_example(name: str, folder: Path) -> list[Path]:
    """The files written. Raises UserError on an unknown name, RunError rather than overwrite a file."""
    if name not in NAMES:
        raise UserError(f"there is no example {name!r}; choose from {', '.join(NAMES)}")
    files = dict(_files(name))
    for path in files:
        if (folder / path).exists():
            raise RunError(f"{folder / path} is there already; remove it, or choose another folder")
    written: list[Path] = []
    try:
        for path, source in files.items():
            with writing(folder / path):
                written.append(folder / path)
                written[-1].write_bytes(source)
    except BaseException:
        for file in written:
            file.unlink(missing_ok=True)
        raise
    return written


def _files(name: str) -> Iterator[tuple[str, bytes]]:
    """Relative path and content of what an example consists of: the task, its data and its model."""
    examples = resources.files("autoact.examples")
    for item in sorted((examples / name).iterdir(), key=lambda item: item.name):
        if item.is_file() and item.name.endswith(".jsonl"):
            yield item.name, item.read_bytes()
        elif item.is_dir() and item.name == MODEL:
            yield from _model(item)
    task = (examples / name / TASK).read_text("utf-8")
    for other, file in _ELSEWHERE.findall(task):
        item = examples / other / file
        yield from _model(item) if item.is_dir() else [(file, item.read_bytes())]
    yield TASK, _ELSEWHERE.sub(r"\2", task).encode()


def _model(folder: Traversable) -> Iterator[tuple[str, bytes]]:
    yield from ((f"{MODEL}/{file.name}", file.read_bytes()) for file in folder.iterdir() if file.is_file())
