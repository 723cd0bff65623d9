"""Pages of 50 MB, however they are written, opened and read on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.corpus import Corpus, Page
from autoact.tools.lookup import lookup_tool
from autoact.tools.retrieve import retrieve, retrieve_tool
from autoact.tools.search import search_tool

SIZE = 50_000_000
WRITTEN = ["x", "\n\n", "a. ", ".\n", "\x1b[2J"]
STATE = {"memory": None}


@pytest.fixture(scope="module", params=WRITTEN, ids=ascii)
def corpus(request: pytest.FixtureRequest) -> Corpus:
    return Corpus([Page("Lima", "Lima. " + request.param * (SIZE // len(request.param)))])


@pytest.mark.parametrize("make", [retrieve_tool, search_tool])
def test_a_giant_page_is_shown_in_part(
    corpus: Corpus, make: Callable[[Corpus], BaseTool], bounded: Callable[[BaseTool, str], str]
) -> None:
    corpus.similar("Lima")  # builds the index
    assert "Lima." in bounded(make(corpus), "Lima")


def test_a_giant_page_is_read_on(
    corpus: Corpus, bounded: Callable[[BaseTool, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STATE, "memory", retrieve(corpus, "Lima")[1])
    assert bounded(lookup_tool(), "lima").startswith("(Result 1/")
