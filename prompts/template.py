"""Prompt texts, one file each, with named blanks.

    fill("observation", observation="Lima is the capital of Peru.")

A blank that is not given, or a value that has no blank, is an error of ours and is raised at once.
"""

from functools import cache
from importlib import resources
from string import Formatter


def fill(name: str, /, **values: object) -> str:
    """The text of `templates/<name>.txt`, its blanks filled. Raises KeyError when they differ from values."""
    text, blanks = _load(name)
    if blanks != values.keys():
        raise KeyError(f"template {name} has the blanks {sorted(blanks)}, got {sorted(values)}")
    return text.format_map(values)


def load_all() -> None:
    """Read every template, so that a graph that serves many reads no file while it runs."""
    for file in (resources.files("autoact.prompts") / "templates").iterdir():
        _load(file.name.removesuffix(".txt"))


@cache
def _load(name: str) -> tuple[str, frozenset[str]]:
    file = resources.files("autoact.prompts") / "templates" / f"{name}.txt"
    text = file.read_text(encoding="utf-8").removesuffix("\n")
    return text, frozenset(blank for _, blank, _, _ in Formatter().parse(text) if blank)
