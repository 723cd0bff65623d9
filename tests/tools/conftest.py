"""Two small worlds to look things up in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoact.tools.corpus import Corpus, Page

PAGES = (
    Page("Peru", "Peru is a country in South America. Its currency is the sol.\n\nThe capital of Peru is Lima."),
    Page(
        "Lima",
        "Lima is the capital of Peru. It lies by the sea.\n\nLima was founded in 1535! Is lima big? Yes.",
    ),
    Page("Bolivia", "Bolivia is a country without a sea."),
)


@pytest.fixture
def corpus() -> Corpus:
    return Corpus(PAGES)


@pytest.fixture
def corpus_file(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(json.dumps({"title": page.title, "text": page.text}) for page in PAGES))
    return path
