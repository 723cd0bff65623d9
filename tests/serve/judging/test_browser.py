"""The page in a real browser without script: five judges, a keyboard, a phone."""

from __future__ import annotations

import json
import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page  # type: ignore[import-not-found,unused-ignore]

pytestmark = pytest.mark.long

DOCS: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "judging.py"))
ASPECTS = ("Number of rounds", "Logic of the thoughts", "Types of action", "Inputs of the actions", "Overall coherence")
# How a method is told by its card: autoact answers in three rounds, react never does, cot at once.
CARDS = {"autoact": "Answer euro", "react": "It ended without an answer.", "cot": "Answer schilling"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, for all of these tests."""
    with DOCS["chromium"]() as browser:
        yield browser


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """An evaluation of three methods on three questions."""
    folder: Path = DOCS["example"](tmp_path)
    return folder


@pytest.fixture
def url(trial: Path) -> Iterator[str]:
    """Where five judges are waited for."""
    with DOCS["judging"](trial) as url:
        yield url


def session(chromium: Browser, **settings: Any) -> Page:
    """A browser of its own: its own cookies, and no script."""
    page = chromium.new_context(java_script_enabled=False, **settings).new_page()
    page.set_default_timeout(10_000)
    return page


def come_in(page: Page, url: str, name: str) -> None:
    """Give a name, and open the first question that is left."""
    page.goto(url)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("link", name="Judge question").click()


def letter_of(page: Page, method: str) -> str:
    """The letter that stands for a method on this page."""
    cards = page.get_by_role("region").filter(has_text=CARDS[method].removeprefix("Answer "))
    return str(cards.get_by_role("heading").inner_text().split()[1])


def choose(page: Page, choices: dict[str, str]) -> None:
    """Choose a method, or no difference, in each respect, and send the form."""
    for aspect, choice in choices.items():
        label = choice if choice == "No difference" else letter_of(page, choice)
        page.get_by_role("group", name=aspect).get_by_label(label, exact=True).check()
    page.get_by_role("button", name="Keep").click()


def exported(trial: Path) -> dict[str, Any]:
    """What `autoact judge --export --json` prints."""
    command = [DOCS["AUTOACT"], "judge", trial, "--export", "--json"]
    told = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    result: dict[str, Any] = json.loads(told)
    return result


def test_five_judges_close_every_question_on_a_majority(chromium: Browser, url: str, trial: Path) -> None:
    pages = [session(chromium) for _ in range(5)]
    requested: list[str] = []
    for number, page in enumerate(pages):
        page.on("request", lambda request: requested.append(request.url))
        come_in(page, url, f"Judge {number}")
    for _ in range(3):
        for number, page in enumerate(pages):
            if page.get_by_role("heading", name="Nothing is left").count():
                continue
            rounds = ("cot", "cot", "autoact", "No difference", "react")[number]
            choose(page, dict.fromkeys(ASPECTS, "autoact") | {"Number of rounds": rounds})
    for page in pages:
        page.goto(url)
        page.get_by_role("heading", name="Nothing is left for you").wait_for()
    results = exported(trial)
    assert (results["judges"], results["closed"]) == (5, 3)
    rounds, thoughts = results["aspects"][:2]
    assert (rounds["undecided"], thoughts["won"]["autoact"]) == (3, 3)
    assert rounds["votes"] == {"autoact": 3, "react": 3, "cot": 6, "no difference": 3}
    assert rounds["alpha"] < 0
    assert thoughts["alpha"] is None
    assert {request.startswith((url, "data:")) for request in requested} == {True}


def test_a_majority_in_every_respect_is_enough(chromium: Browser, url: str, trial: Path) -> None:
    for name in ("Ann", "Ben", "Cem"):
        page = session(chromium)
        come_in(page, url, name)
        choose(page, dict.fromkeys(ASPECTS, "react"))
    late = session(chromium)
    come_in(late, url, "Dee")
    assert late.url.endswith("/questions/2")
    assert exported(trial)["closed"] == 1


def test_a_question_is_judged_by_keyboard_alone(chromium: Browser, url: str, trial: Path) -> None:
    page = session(chromium)
    page.goto(url)
    for key in ("Tab", "A", "n", "n", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("link", name="Judge question 1").press("Enter")
    page.get_by_role("link", name="Progress").focus()
    for _ in ASPECTS:
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/questions/2")
    assert exported(trial)["judges"] == 1


def test_an_incomplete_form_is_not_sent(chromium: Browser, url: str, trial: Path) -> None:
    page = session(chromium)
    come_in(page, url, "Ann")
    choose(page, {"Number of rounds": "No difference"})
    assert page.url.endswith("/questions/1")
    assert exported(trial)["judges"] == 0


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_runs_over_the_side_of_a_screen(chromium: Browser, url: str, width: int) -> None:
    page = session(chromium, viewport={"width": width, "height": 700})
    come_in(page, url, "Ann")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_picture_of_the_docs_can_be_drawn(chromium: Browser, tmp_path: Path) -> None:
    DOCS["draw"](tmp_path / "judging.png", chromium)
    assert (tmp_path / "judging.png").read_bytes().startswith(b"\x89PNG")
