"""The page over plain HTTP: blind, whole forms only, closed by a majority, no form from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from html.parser import HTMLParser

import httpx
import pytest

from autoact.eval.agreement import NO_DIFFERENCE, Vote
from autoact.prompts.judging import ASPECTS
from autoact.serve.judging.sitting import Sitting

Browser = Callable[[], httpx.Client]
SIGNATURE = re.compile('name="signature" value="([0-9a-f]{64})"')
CARD = re.compile("Trajectory ([A-Z]) <small>\\((\\d)")
# As tests/serve/judging/conftest.py has them play.
ROUNDS = {"1": "autoact", "2": "react", "3": "zero-shot"}


def sign(client: httpx.Client, path: str) -> str:
    """The signature of the form on a page."""
    found = SIGNATURE.search(client.get(path).text)
    assert found
    return found[1]


def come_in(client: httpx.Client, name: str) -> httpx.Response:
    """Give a name."""
    return client.post("/name", data={"name": name, "signature": sign(client, "/name")})


def shown(client: httpx.Client, number: int) -> dict[str, str]:
    """The letter of each method, told by how many rounds it took."""
    return {ROUNDS[rounds]: letter for letter, rounds in CARD.findall(client.get(f"/questions/{number}").text)}


def judge(client: httpx.Client, number: int, method: str, **other: str) -> httpx.Response:
    """Choose a method in every respect but those named, by the letters that are shown."""
    letters = shown(client, number) | {"none": "none"}
    chosen = {aspect.id: letters[other.get(aspect.id, method)] for aspect in ASPECTS}
    return client.post(f"/questions/{number}", data=chosen | {"signature": sign(client, f"/questions/{number}")})


def test_three_judges_close_a_question_that_a_fourth_is_not_asked(browser: Browser, sitting: Sitting) -> None:
    for name, rounds in (("Ann", "autoact"), ("Ben", "react"), ("Cem", "none")):
        client = browser()
        assert "4 of 4 questions are left for you" in come_in(client, name).text
        assert judge(client, 1, "autoact", rounds=rounds).url.path == "/questions/2"
    fourth = browser()
    assert "3 of 4 questions are left for you" in come_in(fourth, "Dee").text
    assert fourth.get("/questions/1").url.path == "/"
    first = sitting.poll.questions[0]
    assert {vote.question_id for vote in sitting.votes.all()} == {first}
    assert Vote("cem", first, "rounds", NO_DIFFERENCE) in sitting.votes.all()
    assert Vote("ben", first, "rounds", "react") in sitting.votes.all()


def test_the_page_tells_neither_methods_nor_models_nor_gold_nor_reflection(browser: Browser) -> None:
    client = browser()
    come_in(client, "Ann")
    text = client.get("/questions/1").text + client.get("/").text
    assert "What is the capital of" in text
    for hidden in ("autoact", "react", "zero-shot", "plan-of", "gold", "The verdict", "Reflect"):
        assert hidden not in text


def test_two_judges_are_shown_other_orders(browser: Browser) -> None:
    orders = set()
    for name in "abcdef":
        client = browser()
        come_in(client, name)
        orders.add(tuple(shown(client, 1).items()))
    assert len(orders) > 1


def test_what_models_wrote_is_text(browser: Browser) -> None:
    client = browser()
    come_in(client, "<i>Ann</i>")
    text = client.get("/questions/1").text
    assert "I know &lt;b&gt;" in text
    assert "<b>" not in text
    assert "&lt;i&gt;Ann&lt;/i&gt;" in text


def test_a_form_with_a_respect_left_out_is_shown_again_with_what_was_chosen(browser: Browser, sitting: Sitting) -> None:
    client = browser()
    come_in(client, "Ann")
    form = {"rounds": "B", "thoughts": "none", "actions": "Z", "signature": sign(client, "/questions/1")}
    again = client.post("/questions/1", data=form)
    assert (again.status_code, "Choose in each of the five respects." in again.text) == (422, True)
    assert re.findall('name="(\\w+)" value="(\\w+)"[^>]* checked', again.text) == [
        ("rounds", "B"),
        ("thoughts", "none"),
    ]
    assert sitting.votes.all() == []


def test_a_judgement_can_be_changed_while_the_question_is_open(browser: Browser, sitting: Sitting) -> None:
    client = browser()
    come_in(client, "Ann")
    judge(client, 1, "react")
    assert 'href="/questions/1">Question 1<' in client.get("/").text
    assert client.get("/questions/1").text.count(" checked") == len(ASPECTS)
    judge(client, 1, "zero-shot")
    assert {vote.choice for vote in sitting.votes.all()} == {"zero-shot"}


def test_a_judgement_that_comes_after_the_majority_is_not_counted(browser: Browser, sitting: Sitting) -> None:
    late = browser()
    come_in(late, "Late")
    form = {aspect.id: "A" for aspect in ASPECTS} | {"signature": sign(late, "/questions/1")}
    for name in ("Ann", "Ben"):
        client = browser()
        come_in(client, name)
        judge(client, 1, "react")
    told = late.post("/questions/1", data=form)
    assert (told.status_code, "others have closed this question meanwhile" in told.text) == (409, True)
    assert {vote.judge for vote in sitting.votes.all()} == {"ann", "ben"}


@pytest.mark.parametrize("signature", [None, "", "0" * 64, "é"])
def test_a_form_that_this_judge_was_not_shown_is_refused(
    browser: Browser, sitting: Sitting, signature: str | None
) -> None:
    client = browser()
    come_in(client, "Ann")
    form = {aspect.id: "A" for aspect in ASPECTS} | ({} if signature is None else {"signature": signature})
    assert client.post("/questions/1", data=form).status_code == 403
    assert client.post("/name", data=form | {"name": "Ben"}).status_code == 403
    assert sitting.votes.all() == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
def test_a_form_that_another_site_sends_is_refused(browser: Browser, sitting: Sitting, origin: str) -> None:
    client = browser()
    come_in(client, "Ann")
    form = {aspect.id: "A" for aspect in ASPECTS} | {"signature": sign(client, "/questions/1")}
    assert client.post("/questions/1", data=form, headers={"origin": origin}).status_code == 403
    assert sitting.votes.all() == []
    own = str(client.base_url).rstrip("/")
    assert client.post("/questions/1", data=form, headers={"origin": own}).status_code == 200


@pytest.mark.parametrize("name", ["", "Ann"])
def test_a_form_that_another_browser_was_shown_is_refused(browser: Browser, name: str) -> None:
    theirs, own = browser(), browser()
    for client in (theirs, own):
        if name:
            come_in(client, name)
    own.get("/")
    assert own.post("/name", data={"name": "Eve", "signature": sign(theirs, "/name")}).status_code == 403


@pytest.mark.parametrize(("charset", "status"), [("undefined", 400), ("nope", 403), ("unicode_escape", 403)])
def test_a_form_in_an_odd_charset_is_a_line(browser: Browser, charset: str, status: int) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="signature"\r\n\r\n\\ud800\r\n--x--\r\n'
    kind = f"multipart/form-data; charset={charset}; boundary=x"
    told = browser().post("/name", content=body, headers={"content-type": kind})
    assert (told.status_code, "This could not be done" in told.text) == (status, True)


@pytest.mark.parametrize(
    ("first", "again"), [("Ann", "aNN"), ("Jos\u00e9", "Jose\u0301"), ("\u0645\u200c\u0645", "\u0645\u0645")]
)
def test_a_name_written_otherwise_is_the_same_judge(browser: Browser, first: str, again: str) -> None:
    client = browser()
    come_in(client, first)
    judge(client, 1, "react")
    assert "3 of 4 questions are left for you" in come_in(browser(), again).text


def test_a_form_of_another_judge_is_refused(browser: Browser) -> None:
    ann, ben = browser(), browser()
    come_in(ann, "Ann")
    come_in(ben, "Ben")
    form = {aspect.id: "A" for aspect in ASPECTS} | {"signature": sign(ann, "/questions/1")}
    assert ben.post("/questions/1", data=form).status_code == 403


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "\u202eAnn"])
def test_what_is_no_name_is_asked_for_again(browser: Browser, name: str) -> None:
    told = come_in(browser(), name)
    assert (told.status_code, "give a name of 1 to 60 letters" in told.text) == (422, True)


def test_a_name_may_be_in_any_script_and_is_known_again(browser: Browser) -> None:
    assert "Judging as <bdi>Ağa 王;=</bdi>" in come_in(browser(), " Ağa  王;= ").text


def test_who_gave_no_name_is_asked_for_it(browser: Browser) -> None:
    assert browser().get("/questions/1").url.path == "/"
    assert "Who judges?" in browser().get("/").text


@pytest.mark.parametrize(
    "path",
    [
        "/questions/0",
        "/questions/5",
        "/questions/-1",
        "/questions/one",
        f"/questions/{'9' * 5000}",
        "/docs",
        "/openapi.json",
        "/x",
    ],
)
def test_a_page_that_there_is_not_is_a_line(browser: Browser, path: str) -> None:
    client = browser()
    come_in(client, "Ann")
    told = client.get(path)
    assert (told.status_code, "This could not be done" in told.text) == (404, True)


def test_a_page_may_load_and_run_nothing(browser: Browser) -> None:
    told = browser().get("/")
    assert "default-src 'none'" in told.headers["content-security-policy"]
    assert not re.search("<script|src=|@import|url\\(|https?:", told.text)


def test_a_body_too_large_is_refused(browser: Browser) -> None:
    client = browser()
    told = client.post("/name", data={"name": "x" * (1 << 17), "signature": "x"})
    assert told.status_code == 413


def test_a_foreign_host_is_refused_and_a_key_is_asked_for_where_there_is_one(
    browser: Browser, sitting: Sitting, serving: Callable[..., AbstractContextManager[str]]
) -> None:
    assert browser().get("/", headers={"host": "evil.example"}).status_code == 403
    with serving(sitting, key="k3y") as url:
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, auth=("anyone", "k3y")).status_code == 200


def test_every_control_has_a_label_and_every_group_a_legend(browser: Browser) -> None:
    client = browser()
    come_in(client, "Ann")
    for path in ("/name", "/questions/1"):
        outline = Outline()
        outline.feed(client.get(path).text)
        assert outline.unlabelled == []
        assert outline.legends == outline.count["fieldset"]
        assert outline.count["h1"] == outline.count["main"] == 1


class Outline(HTMLParser):
    """What a screen reader finds: controls outside a label, fieldsets and their legends."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {"fieldset": 0, "h1": 0, "main": 0}
        self.legends = 0
        self.unlabelled: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.count:
            self.count[tag] += 1
        self.legends += tag == "legend" and self.open[-1] == "fieldset"
        if tag == "input" and dict(attrs)["type"] != "hidden" and "label" not in self.open:
            self.unlabelled.append(str(attrs))
        if tag not in ("input", "meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
