"""Search shows how the best pages begin, numbered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.tools.corpus import Corpus, Page
from autoact.tools.memory import Memory
from autoact.tools.retrieve import retrieve_tool
from autoact.tools.search import search, search_tool


def test_pages_are_numbered_and_shown_by_their_openings(corpus: Corpus) -> None:
    observation, memory = search(corpus, "lima")
    lima, peru = corpus.pages[1], corpus.pages[0]
    assert observation == f"1. Lima: {lima.opening}\n2. Peru: {peru.opening}"
    assert memory == Memory(text=f"{lima.opening}\n{peru.opening}", keyword="", cursor=0)


def test_three_pages_are_shown_at_most_and_each_is_cut() -> None:
    observation, _ = search(Corpus(Page(f"p{i}", "word " * 200) for i in range(5)), "word")
    lines = observation.split("\n")
    assert [line[:2] for line in lines] == ["1.", "2.", "3."]
    assert max(map(len, lines)) <= 300 + len("1. p0: ")


def test_nothing_found_is_an_observation_that_leaves_the_open_page(corpus: Corpus) -> None:
    assert search(corpus, "xyzzy") == ("No page matches xyzzy.", None)
    assert search(corpus, "") == ("No page matches .", None)
    assert len(search(corpus, "xyzzy " * 1000)[0]) < 400


class Many(tuple[Page, ...]):
    """So many pages that the index takes a while; `read` counts how often it was built."""

    read = 0

    def __iter__(self) -> Iterator[Page]:
        self.read += 1
        time.sleep(0.3)
        return super().__iter__()


@pytest.mark.parametrize("make", [search_tool, retrieve_tool])
def test_the_index_is_built_once_and_beside_the_event_loop(corpus: Corpus, make: Any) -> None:
    pages = corpus.pages = Many(corpus.pages)
    ticks = asyncio.run(ticks_during(make(corpus), 2))
    assert ticks > 10
    assert pages.read == 1


async def ticks_during(tool: BaseTool, calls: int) -> int:
    """How often the loop came round while the tool was called so many times at once with what is no title."""
    field = next(iter(tool.args))
    asking = asyncio.gather(*(tool.ainvoke({field: "capital"}) for _ in range(calls)), return_exceptions=True)
    ticks = 0
    while not asking.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert all(isinstance(said, (str, ToolException)) for said in await asking)
    return ticks
