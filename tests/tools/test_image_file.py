"""Only images inside the task's folder are read, whatever a name says."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.tools import ToolException

from autoact.tools.image_file import is_image, read_image

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    (images / "deep").mkdir(parents=True)
    (images / "a.png").write_bytes(PNG + b"x")
    (images / "deep" / "b.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "secret.png").write_bytes(PNG)
    (images / "link.png").symlink_to(tmp_path / "secret.png")
    (images / "loop.png").symlink_to(images / "loop.png")
    return images


@pytest.mark.parametrize(
    ("name", "kind"), [("a.png", "image/png"), (" deep/b.jpg ", "image/jpeg"), ("deep/../a.png", "image/png")]
)
def test_an_image_in_the_folder_is_read(folder: Path, name: str, kind: str) -> None:
    assert is_image(folder, name)
    assert read_image(folder, name).kind == kind


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "deep/../../secret.png",
        "/etc/passwd",
        "link.png",
        "loop.png",
        "absent.png",
        "deep",
        ".",
        "",
        "a.png\x00",
        "\ud800.png",
        "x" * 100_000,
        "file:///etc/passwd",
        "http://127.0.0.1/a.png",
        "~/a.png",
    ],
)
def test_nothing_else_is_an_image_of_the_task(folder: Path, name: str) -> None:
    assert not is_image(folder, name)
    with pytest.raises(ToolException, match=r"is no image of this task\.$") as caught:
        read_image(folder, name)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh", b"<svg/>", b"RIFF\0\0\0\0WAVE"])
def test_a_file_that_is_no_image_is_refused(folder: Path, content: bytes) -> None:
    (folder / "a.png").write_bytes(content)
    with pytest.raises(ToolException, match=r"^a.png is no PNG, JPEG, GIF or WebP\.$"):
        read_image(folder, "a.png")


def test_a_large_file_is_refused(folder: Path) -> None:
    with (folder / "a.png").open("r+b") as file:
        file.truncate(10**10)
    with pytest.raises(ToolException, match="too large: more than 10 MB"):
        read_image(folder, "a.png")
