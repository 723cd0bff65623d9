"""Hostile paths of images."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.image2text import Settings, image2text_tool

RIGHT = ("image", "Caption: A map.")
STATE = {"caption": "A map."}
CASES = [
    "images/../../SECRET.png",
    "/dev/zero.png",
    "/proc/self/environ.png",
    "x" * 10_000 + ".png",
]


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory, port: int) -> BaseTool:
    seeing = {"backend": "model", "model": "openai:eye", "endpoint": f"http://127.0.0.1:{port}/v1"}
    return image2text_tool(Settings.model_validate(seeing), tmp_path_factory.mktemp("task"))


def test_a_hostile_path_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
