"""Text in an image, read by rapidocr in this process; its models come in its wheel and nothing is downloaded.

    Reader().lines(read_image(folder, "receipt.png"))      # ["Total 42 EUR", "Lima 1535"]

Not covered: handwriting, and scripts other than those of its default model (Latin, Chinese, Japanese).
"""

from __future__ import annotations

import io
import threading
from importlib.util import find_spec
from typing import Any

from langchain_core.tools import ToolException

from autoact.tools.image_file import ImageFile

MAX_PIXELS = 20_000_000
PACKAGES = ("rapidocr", "onnxruntime")
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def lacks() -> str:
    """What reading lacks to be done here; empty when nothing."""
    absent = [package for package in PACKAGES if find_spec(package) is None]
    return f"the package {absent[0]} (pip install 'langgraph-autoact[ocr]')" if absent else ""


class Reader:
    """The models, loaded with the first image and kept; one image at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    def lines(self, image: ImageFile) -> list[str]:
        """The lines of text, top to bottom. Raises ToolException for an image that is too large or broken."""
        pixels = _pixels(image)
        with self._lock:
            if self._engine is None:
                from rapidocr import RapidOCR  # type: ignore[import-not-found,import-untyped,unused-ignore]

                self._engine = RapidOCR(params={"Global.log_level": "critical"})
            return [str(line) for line in self._engine(pixels).txts or ()]


def _pixels(image: ImageFile) -> Any:
    """The image unpacked, if what it says of its size is bearable."""
    from PIL import Image, UnidentifiedImageError  # type: ignore[import-not-found,unused-ignore]

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(io.BytesIO(image.data), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise ToolException(f"The image is too large: {width} x {height} pixels.")
            return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, *bombs) as problem:
        raise ToolException(f"The image is broken: {str(problem)[:200]}") from None
