"""Search shows how the best pages begin, numbered."""

from autoact.tools.corpus import Corpus, Page
from autoact.tools.memory import Memory
from autoact.tools.search import search


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
