"""Retrieve from a MediaWiki, against a loopback server that says what the API's documentation says it answers."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import ToolException

from autoact.tools.corpus import Page
from autoact.tools.failures import ToolFailure, ToolTimeout
from autoact.tools.lookup import lookup
from autoact.tools.retrieve import retrieve, retrieve_tool
from autoact.tools.wiki import Settings, Wiki, live, missing

EXTRACT = "Lima is the capital of Peru.\nIt lies by the sea.\n\n\nHistory\nLima was founded in 1535."
LIMA = {
    "pageid": 18091,
    "ns": 0,
    "title": "Lima",
    "extract": EXTRACT,
    "lastrevid": 1,
    "fullurl": "https://en.wikipedia.org/wiki/Lima",
    "links": [{"ns": 0, "title": "Andes"}],
}
MERCURY = {
    "pageid": 19694,
    "ns": 0,
    "title": "Mercury",
    "extract": "Mercury most commonly refers to:",
    "pageprops": {"disambiguation": ""},
    "links": [{"ns": 0, "title": "Mercury (element)"}, {"ns": 0, "title": "Mercury (planet)"}],
    "fullurl": "https://en.wikipedia.org/wiki/Mercury",
}
FOUND = {"search": [{"ns": 0, "title": "Lima", "pageid": 18091}, {"ns": 0, "title": "Lima Province", "pageid": 1}]}


def answer(say: Any, asked: Any) -> Any:
    """The wiki: pages by title, a redirect, a disambiguation, a search."""
    if asked.query.get("list") == "search":
        return say({"batchcomplete": True, "query": FOUND})
    title = asked.query["titles"]
    if title in ("Lima", "lima", "City of Kings"):
        redirects = [{"from": title, "to": "Lima"}] if title == "City of Kings" else []
        return say({"batchcomplete": True, "query": {"redirects": redirects, "pages": [LIMA]}})
    if title == "Mercury":
        return say({"batchcomplete": True, "query": {"pages": [MERCURY]}})
    if title == "Talk:":
        page: dict[str, Any] = {"title": title, "invalidreason": "The requested page title is empty.", "invalid": True}
        return say({"batchcomplete": True, "query": {"pages": [page]}})
    return say({"batchcomplete": True, "query": {"pages": [{"ns": 0, "title": title, "missing": True}]}})


def wiki_at(url: str, **changes: Any) -> Wiki:
    return Wiki(Settings(backend="mediawiki", url=f"{url}/w/api.php", contact="me@example.org", **changes))


@pytest.fixture
def server(serve: Any, say: Any) -> Any:
    return serve(lambda asked: answer(say, asked))


@pytest.fixture
def wiki(server: Any) -> Wiki:
    return wiki_at(server.url)


def test_a_page_is_opened_by_its_title(wiki: Wiki) -> None:
    text = "Lima is the capital of Peru.\n\nIt lies by the sea.\n\nHistory\n\nLima was founded in 1535."
    assert wiki.page("Lima") == Page("Lima", text, "https://en.wikipedia.org/wiki/Lima")


def test_a_model_reads_it_as_it_reads_the_corpus(wiki: Wiki) -> None:
    observation, memory = retrieve(wiki, "Lima")
    assert observation == "Lima is the capital of Peru."
    assert lookup(memory, "1535")[0] == "(Result 1/1) Lima was founded in 1535."
    reply = retrieve_tool(wiki).invoke({"type": "tool_call", "id": "1", "name": "Retrieve", "args": {"title": "Lima"}})
    assert reply.artifact["raw"] == {"title": "Lima", "url": "https://en.wikipedia.org/wiki/Lima"}


def test_a_redirect_is_followed(wiki: Wiki) -> None:
    page = wiki.page("City of Kings")
    assert page is not None
    assert page.title == "Lima"


def test_a_title_of_many_meanings_names_them(wiki: Wiki) -> None:
    told = r"^Mercury has several meanings\. Similar titles: Mercury \(element\); Mercury \(planet\)$"
    with pytest.raises(ToolException, match=told):
        retrieve(wiki, "Mercury")


@pytest.mark.parametrize("title", ["Lma", "Talk:"])
def test_a_title_that_is_none_names_similar_ones(wiki: Wiki, title: str) -> None:
    with pytest.raises(ToolException, match=f"^No page is titled {title}. Similar titles: Lima; Lima Province$"):
        retrieve(wiki, title)


def test_the_wiki_is_told_who_asks(wiki: Wiki, server: Any) -> None:
    wiki.page("Lima")
    asked = server.asked[0]
    assert asked.headers["user-agent"].startswith("langgraph-autoact (https://")
    assert asked.headers["user-agent"].endswith("me@example.org")
    assert (asked.path, asked.query["redirects"], asked.query["explaintext"]) == ("/w/api.php", "1", "1")


@pytest.mark.parametrize("title", ["", " ", "|", "#", "\x00\n", "<>[]{}", "\ud800"])
def test_a_title_without_a_letter_asks_nobody(wiki: Wiki, server: Any, title: str) -> None:
    with pytest.raises(ToolException, match=r"No title is similar\.$"):
        retrieve(wiki, title)
    assert not server.asked


@pytest.mark.parametrize(
    ("title", "asked_for"),
    [
        ("Lima|Peru", "Lima Peru"),
        ("Lima#History", "Lima History"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\x00b\nc", "a b c"),
        ("é" * 10_000_000, "é" * 127),
    ],
    ids=lambda text: text[:20],
)
def test_a_title_asks_for_one_page_and_no_more(wiki: Wiki, server: Any, title: str, asked_for: str) -> None:
    with pytest.raises(ToolException, match="No page is titled"):
        retrieve(wiki, title)
    assert server.asked[0].query["titles"] == asked_for


def test_what_the_wikis_search_takes_as_a_command_is_words(wiki: Wiki, server: Any) -> None:
    wiki.similar('insource:/(a+)+$/ intitle:"x" -Lima')
    assert server.asked[0].query["srsearch"] == "insource a intitle x Lima"


# ── errors ──


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": {"code": "maxlag", "info": "Waiting for 10.64.48.35: 6 seconds lagged."}}, "6 seconds lagged"),
        ({"error": {"code": "ratelimited", "info": "You've exceeded your rate limit."}}, "exceeded your rate limit"),
        ({"error": {"code": "readonly"}}, "readonly"),
        ({"error": "odd"}, "odd"),
        ([], "no object"),
    ],
)
def test_an_error_of_the_api_is_a_failure(serve: Any, say: Any, body: Any, told: str) -> None:
    with pytest.raises(ToolFailure, match=f"The wiki refused to answer: .*{told}"):
        wiki_at(serve(lambda _: say(body)).url).page("Lima")


def test_a_wiki_that_wants_to_know_who_asks_says_so(serve: Any, say: Any) -> None:
    server = serve(lambda _: say(b"Please set a user-agent and respect our robot policy", 403))
    with pytest.raises(ToolFailure, match=r"does not let us in; see to contact:.*robot policy"):
        wiki_at(server.url).page("Lima")


def test_too_many_requests_is_a_failure(serve: Any, say: Any) -> None:
    server = serve(lambda _: say(b"", 429, {"Retry-After": "60"}))
    with pytest.raises(ToolFailure, match="the wiki answered 429, its quota or rate limit"):
        wiki_at(server.url).similar("Lima")


def test_a_slow_wiki_is_given_up(serve: Any, say: Any) -> None:
    server = serve(lambda _: say({}, after=0.2))
    with pytest.raises(ToolTimeout):
        wiki_at(server.url, timeout=0.05).page("Lima")


@pytest.mark.parametrize("query", [{}, {"pages": 5}, {"pages": []}, {"pages": [5]}, {"pages": [{}]}, None, 5])
def test_an_answer_in_another_form_is_no_page(serve: Any, say: Any, query: Any) -> None:
    assert wiki_at(serve(lambda _: say({"query": query})).url).page("Lima") is None


def test_a_page_is_kept_to_a_bounded_text(serve: Any, say: Any) -> None:
    page = {"title": "Long", "extract": "x" * 3_000_000}
    found = wiki_at(serve(lambda _: say({"query": {"pages": [page]}})).url).page("Long")
    assert found is not None
    assert len(found.text) == 200_000


def test_a_wiki_needs_a_contact() -> None:
    assert "toolbox.Retrieve.contact" in missing(Settings(backend="mediawiki"))
    assert missing(Settings(backend="mediawiki", contact="me@example.org")) == ""
    assert missing(Settings()) == ""
    assert live(Settings()) == ""
    assert live(Settings(backend="mediawiki")) == "mediawiki https://en.wikipedia.org/w/api.php"


@pytest.mark.parametrize("contact", ["zoë@example.org", "me@example.org\nX-Key: k"])
def test_a_contact_can_be_sent_in_a_header(contact: str) -> None:
    with pytest.raises(ValueError, match="it is sent in a header, so it must be printable ASCII"):
        Settings(backend="mediawiki", contact=contact)
