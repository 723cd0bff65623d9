"""Pages are found by title and by words, whatever the words; a corpus that is wrong is refused by line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoact.core.errors import TaskError
from autoact.tools.corpus import Corpus, Page, load_corpus

HOSTILE = [
    "title:Peru AND NOT text:Lima",
    '"Peru" ^9 +-&&||!(){}[]~*?:\\/',
    "[a TO z]",
    "/.*/",
    '"unclosed',
    "(((((" * 100,
    "* *",
    "NOT peru",
    "number:[0 TO 9]",
    "\x00\ud800\u202e",
    "peru " * 5000,
]


def test_a_title_is_found_whatever_its_case_and_spacing(corpus: Corpus) -> None:
    page = corpus.page("  pERU ")
    assert page is not None
    assert page.title == "Peru"
    assert corpus.page("Per") is None


def test_the_first_page_of_a_title_counts() -> None:
    assert Corpus([Page("A", "one"), Page("a", "two")]).page("A") == Page("A", "one")


def test_another_name_of_a_page_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"title": "Bombay", "redirect": "mumbai"}\n{"title": "Mumbai", "text": "A city."}\n')
    corpus = load_corpus(path)
    assert corpus.page("bombay") == corpus.page("Mumbai") == Page("Mumbai", "A city.")
    assert len(corpus.pages) == 1


def test_a_page_of_its_own_counts_more_than_another_name(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    lines = ['{"title": "A", "text": "one"}', '{"title": "B", "text": "two"}', '{"title": "A", "redirect": "B"}']
    path.write_text("\n".join(lines))
    assert load_corpus(path).page("A") == Page("A", "one")


def test_another_name_of_no_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"title": "A", "text": "b"}\n{"title": "Bombay", "redirect": "Mumbai"}\n')
    with pytest.raises(TaskError, match=r"corpus\.jsonl line 2 redirects to Mumbai, which is the title of no page"):
        load_corpus(path)


def test_an_opening_ends_at_the_first_blank_line(corpus: Corpus) -> None:
    assert corpus.pages[1].opening == "Lima is the capital of Peru. It lies by the sea."
    assert Page("x", "one\ntwo").opening == "one\ntwo"


def test_the_best_page_comes_first_and_a_title_weighs_more(corpus: Corpus) -> None:
    assert [page.title for page in corpus.search("lima", 3)] == ["Lima", "Peru"]
    assert [page.title for page in corpus.search("country sea", 1)] == ["Bolivia"]


def test_similar_titles_share_a_word() -> None:
    pages = [Page("South Korea", "x"), Page("North Korea", "x"), Page("Peru", "Korea")]
    assert set(Corpus(pages).similar("Republic of Korea")) == {"South Korea", "North Korea"}


@pytest.mark.parametrize("words", ["", " ", "?!", "zzz qqq xyzzy"])
def test_words_that_match_nothing_find_nothing(corpus: Corpus, words: str) -> None:
    assert corpus.search(words, 3) == []


@pytest.mark.parametrize("words", HOSTILE)
def test_query_syntax_is_read_as_words(corpus: Corpus, words: str) -> None:
    assert set(corpus.search(words, 3)) <= set(corpus.pages)


def test_not_is_a_word_and_no_command(corpus: Corpus) -> None:
    assert corpus.search("NOT peru", 3)[0].title == "Peru"
    assert corpus.search("text:bolivia", 3)[0].title == "Bolivia"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_can_be_searched_for(corpus: Corpus, words: str) -> None:
    assert set(corpus.search(words, 3)) <= set(corpus.pages)


def test_many_threads_search_at_once(corpus: Corpus) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: corpus.search("bolivia", 1)[0].title, range(64)))
    assert found == ["Bolivia"] * 64


def test_a_corpus_file_is_read_in_order(corpus: Corpus, corpus_file: Path) -> None:
    assert load_corpus(corpus_file).pages == corpus.pages


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "5",
        "null",
        "{}",
        '{"title": "a"}',
        '{"text": "a"}',
        '{"title": "", "text": "a"}',
        '{"title": "a", "text": " "}',
        '{"title": 5, "text": "a"}',
        '{"title": "a", "text": ["a"]}',
        '{"title": "a", "text": "\\ud800"}',
        '{"title": "a", "redirect": 5}',
        '{"title": "a", "text": "b", "redirect": "c"}',
        '{"text": "b", "redirect": "c"}',
    ],
)
def test_a_line_that_is_no_page_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"title": "a", "text": "b"}\n\n' + line)
    with pytest.raises(TaskError, match=r"corpus\.jsonl line 3 "):
        load_corpus(path)


def test_an_empty_or_a_missing_corpus_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text("\n")
    with pytest.raises(TaskError, match="holds no page"):
        load_corpus(tmp_path / "corpus.jsonl")
    with pytest.raises(TaskError, match="cannot be read"):
        load_corpus(tmp_path / "nope.jsonl")
