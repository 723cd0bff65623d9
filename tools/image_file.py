"""An image file of a task, and no other file: what a name stands for is read only if it is a small image in the folder.

read_image(Path("tasks/museum/images"), "map.png")      # ImageFile("image/png", b"\\x89PNG…")
read_image(Path("tasks/museum/images"), "../secret")    # ToolException: … is no image of this task.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from langchain_core.tools import ToolException

MAX_BYTES = 10_000_000
STARTS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"RIFF": "image/webp",
}


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image as it is on disk; nothing has unpacked it yet."""

    kind: str
    data: bytes


def is_image(folder: Path, name: str) -> bool:
    """Whether a text is the name of a file inside the folder."""
    return _inside(folder, name) is not None


def read_image(folder: Path, name: str) -> ImageFile:
    """The image of that name. Raises ToolException when there is none, whatever else there is."""
    path = _inside(folder, name)
    if path is None:
        raise ToolException(f"{name[:200]} is no image of this task.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        raise ToolException(f"{name[:200]} cannot be read.") from None
    if len(data) > MAX_BYTES:
        raise ToolException(f"{name[:200]} is too large: more than {MAX_BYTES // 1_000_000} MB.")
    kind = next((kind for start, kind in STARTS.items() if data.startswith(start)), "")
    if not kind or (kind == "image/webp" and data[8:12] != b"WEBP"):
        raise ToolException(f"{name[:200]} is no PNG, JPEG, GIF or WebP.")
    return ImageFile(kind, data)


def _inside(folder: Path, name: str) -> Path | None:
    """The file, links followed, if it is one and lies in the folder."""
    try:
        path = (folder / name.strip()).resolve()
        return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, half a character, a loop of links
        return None
