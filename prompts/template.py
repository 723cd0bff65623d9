"""Prompt texts, one file each, with named blanks.

    fill("observation", observation="Lima is the capital of Peru.")
    fill("input", "What should {tool} be given?", tool="Retrieve")      # in words of one's own

A blank that is not given, or a value that has no blank, is an error of ours and is raised at once.
"""

from functools import cache
from importlib import resources
from string import Formatter


def fill(name: str, instead: str = "", /, **values: object) -> str:
    """The text of `templates/<name>.txt`, or the one given instead, its blanks filled.

    Raises KeyError when the template's blanks differ from the values.
    """
    text, blanks = _load(name)
    if blanks != values.keys():
        raise KeyError(f"template {name} has the blanks {sorted(blanks)}, got {sorted(values)}")
    return (instead or text).format_map(values)


def template_text(name: str) -> str:
    """A template as it is written, blanks and all."""
    return _load(name)[0]


def check_wording(name: str, text: str) -> None:
    """Raises ValueError unless `text` can stand in for a template: the same blanks, and plain ones."""
    wanted = ", ".join(f"{{{blank}}}" for blank in sorted(_load(name)[1])) or "none"
    try:
        parts = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        raise ValueError(f"its braces do not match; write {{{{ for a brace (its blanks: {wanted})") from None
    # A format, a conversion or many a blank could blow a text up or read an attribute.
    plainly = not any(spec or how for _, _, spec, how in parts)
    if not plainly or sorted(str(part[1]) for part in parts) != sorted(_load(name)[1]):
        raise ValueError(f"its blanks must be {wanted}, each once and written plainly")


def load_all() -> None:
    """Read every template, so that a graph that serves many reads no file while it runs."""
    for file in (resources.files("autoact.prompts") / "templates").iterdir():
        _load(file.name.removesuffix(".txt"))


@cache
def _load(name: str) -> tuple[str, frozenset[str]]:
    file = resources.files("autoact.prompts") / "templates" / f"{name}.txt"
    text = file.read_text(encoding="utf-8").removesuffix("\n")
    return text, frozenset(blank for _, blank, _, _ in Formatter().parse(text) if blank)
