"""Text is read from a real image, without a network, and no image unpacks into more than memory can bear.

Needs the extra [ocr].
"""

from __future__ import annotations

import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.tools.image2text import Settings, image2text_tool, missing

pytestmark = pytest.mark.long

LINES = ["Total 42 EUR", "Lima 1535"]


def picture(lines: list[str], **kind: Any) -> bytes:
    """An image with lines of text."""
    from PIL import Image, ImageDraw, ImageFont  # type: ignore[import-not-found,unused-ignore]

    image = Image.new("RGB", (480, 80 * max(1, len(lines))), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((20, 80 * number + 15), line, fill="black", font=ImageFont.load_default(size=40))
    written = io.BytesIO()
    image.save(written, **(kind or {"format": "PNG"}))
    return written.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it is that large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("task")


@pytest.fixture(scope="module")
def tool(folder: Path) -> BaseTool:
    assert missing(Settings(backend="ocr")) == ""
    return image2text_tool(Settings(backend="ocr"), folder)


def read(tool: BaseTool, folder: Path, data: bytes) -> str:
    (folder / "image.png").write_bytes(data)
    return str(tool.invoke({"image": "image", "state": {"image": "image.png"}}))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_lines_of_an_image_are_read(tool: BaseTool, folder: Path, kind: str) -> None:
    words = read(tool, folder, picture(LINES, format=kind)).split()
    assert words == " ".join(LINES).split()


def test_an_image_without_text_says_so(tool: BaseTool, folder: Path) -> None:
    assert read(tool, folder, picture([])) == "There is no text in the image."


def test_many_threads_read_at_once(tool: BaseTool, folder: Path) -> None:
    (folder / "a.png").write_bytes(picture(["Lima"]))
    with ThreadPoolExecutor(4) as pool:
        shown = pool.map(lambda _: tool.invoke({"image": "a.png", "state": {}}), range(8))
        assert list(shown) == ["Lima"] * 8


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bomb(100_000, 100_000), "too large: 100000 x 100000 pixels|is broken: Image size"),
        (bomb(10_000, 10_000), "too large: 10000 x 10000 pixels|is broken: Image size"),
        (bomb(5_000, 5_000), "too large: 5000 x 5000 pixels"),
        (bomb(4_000, 4_000), "is broken: "),
        (b"\x89PNG\r\n\x1a\n", "is broken: "),
        (b"\xff\xd8\xff\xe0" + bytes(1000), "is broken: "),
        (b"GIF89a" + b"\xff" * 1000, "too large|is broken: "),
    ],
)
def test_a_bomb_or_a_broken_image_is_refused(tool: BaseTool, folder: Path, data: bytes, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(ToolException, match=reason):
        read(tool, folder, data)
    assert time.monotonic() - began < 2
