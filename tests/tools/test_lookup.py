"""Lookup reads the open page one sentence at a time."""

from __future__ import annotations

import time

import pytest
from langchain_core.tools import ToolException

from autoact.tools.corpus import Corpus
from autoact.tools.lookup import lookup
from autoact.tools.memory import Memory, remember
from autoact.tools.retrieve import retrieve


def readings(memory: Memory | None, *keywords: str) -> list[str]:
    """What one keyword after the other shows, each from the memory that the last left."""
    shown = []
    for keyword in keywords:
        observation, memory = lookup(memory, keyword)
        shown.append(observation)
    return shown


def test_a_keyword_asked_again_shows_the_next_sentence(corpus: Corpus) -> None:
    _, memory = retrieve(corpus, "Lima")
    assert readings(memory, "lima", "LIMA ", "Lima") == [
        "(Result 1/3) Lima is the capital of Peru.",
        "(Result 2/3) Lima was founded in 1535!",
        "(Result 3/3) Is lima big?",
    ]


def test_after_the_last_sentence_there_is_no_more(corpus: Corpus) -> None:
    _, memory = lookup(remember(corpus.pages[2].text), "sea")
    with pytest.raises(ToolException, match=r"^The open page has no more sentence with sea\.$"):
        lookup(memory, "sea")


def test_a_new_keyword_starts_from_the_first_sentence(corpus: Corpus) -> None:
    shown = readings(remember(corpus.pages[1].text), "lima", "lima", "sea", "lima")
    assert [line[:12] for line in shown] == ["(Result 1/3)", "(Result 2/3)", "(Result 1/1)", "(Result 1/3)"]


def test_a_new_page_starts_from_its_first_sentence(corpus: Corpus) -> None:
    _, memory = lookup(remember(corpus.pages[1].text), "is")
    assert memory is not None
    assert memory["cursor"] == 1
    _, memory = retrieve(corpus, "Peru")
    assert readings(memory, "is")[0] == "(Result 1/3) Peru is a country in South America."


def test_a_page_without_the_keyword_says_so(corpus: Corpus) -> None:
    with pytest.raises(ToolException, match=r"^The open page has no sentence with euro\.$"):
        lookup(remember(corpus.pages[0].text), "euro")


@pytest.mark.parametrize("memory", [None, remember("")])
def test_without_an_open_page_there_is_nothing_to_look_in(memory: Memory | None) -> None:
    with pytest.raises(ToolException, match="No page is open"):
        lookup(memory, "x")


@pytest.mark.parametrize("keyword", ["", "  ", "\n"])
def test_an_empty_keyword_is_refused(keyword: str) -> None:
    with pytest.raises(ToolException, match="The input is empty"):
        lookup(remember("A page."), keyword)


def test_a_keyword_is_no_pattern() -> None:
    with pytest.raises(ToolException, match="no sentence"):
        lookup(remember("A page."), ".*")


def test_a_keyword_of_megabytes_is_folded_once() -> None:
    page, began = remember("A sentence. " * 5_000), time.monotonic()
    with pytest.raises(ToolException, match=r"^The open page has no sentence with (İ){200}\.$"):
        lookup(page, "İ" * 1_000_000)
    assert time.monotonic() - began < 1
