"""docs/studio.md shows the graphs as they are, and every setting; `python docs/draw.py` draws the graphs again."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from autoact.graph.context import Context

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["autoact", "chat"])
def test_a_drawing_is_that_of_its_graph(name: str) -> None:
    text = runpy.run_path(str(DOCS / "draw.py"))["texts"]()[name]
    assert (DOCS / "images" / f"{name}.mmd").read_text("utf-8") == text, "run: python docs/draw.py"
    picture = (DOCS / "images" / f"{name}.svg").read_text("utf-8")
    assert all(agent in picture for agent in re.findall(r"\w+-AGENT", text))


def test_the_page_names_every_setting() -> None:
    page = (DOCS / "studio.md").read_text("utf-8")
    assert [name for name in Context.model_fields if f"`{name}`" not in page] == []
