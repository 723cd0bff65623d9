"""Retrieve opens a page by its title, or says which titles are similar."""

import pytest
from langchain_core.tools import ToolException

from autoact.tools.corpus import Corpus
from autoact.tools.memory import Memory
from autoact.tools.retrieve import retrieve


def test_a_page_shows_its_first_paragraph_and_is_remembered_whole(corpus: Corpus) -> None:
    observation, memory = retrieve(corpus, " peru ")
    assert observation == "Peru is a country in South America. Its currency is the sol."
    assert memory == Memory(text=corpus.pages[0].text, keyword="", cursor=0)


def test_a_missing_page_names_similar_titles(corpus: Corpus) -> None:
    with pytest.raises(
        ToolException, match=r"^No page is titled Lima, Peru\. Similar titles: (Lima; Peru|Peru; Lima)$"
    ):
        retrieve(corpus, "Lima, Peru")


@pytest.mark.parametrize("title", ["Atlantis", "", "\ud800", "?"])
def test_a_missing_page_with_nothing_similar_says_so(corpus: Corpus, title: str) -> None:
    with pytest.raises(ToolException, match=r"No title is similar\.$"):
        retrieve(corpus, title)


def test_a_title_that_is_a_book_is_cut(corpus: Corpus) -> None:
    with pytest.raises(ToolException) as caught:
        retrieve(corpus, "x" * 100_000)
    assert len(str(caught.value)) < 300
