"""The report in a real Chromium: on a desk and on a phone, by day and by night, nothing leaves the machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autoact.core.records import QAPair, Scored, Step
from autoact.eval.html import write_report
from autoact.eval.methods import METHODS
from autoact.eval.report import Measured, Played, compare

pytestmark = pytest.mark.long
Play = Callable[..., Scored]
LONG = "anunbrokenword" * 40
HOSTILE = "<script>document.title = 'owned'</script><img src=http://evil.example/x onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(play: Play, tmp_path: Path) -> Path:
    """The report of every method on questions that try to break it."""
    pairs = tuple(QAPair(f"q{number}", HOSTILE, LONG, level=("easy", LONG)[number % 2]) for number in range(8))
    steps = (Step(LONG, "Retrieve", HOSTILE, HOSTILE * 9), Step("t", "Finish", LONG))
    tools = {"Retrieve": {"calls": 3, "refused": 1, "failed": 0, "timeouts": 0}}
    played = [
        Played(method, [play(pair.id, (place + row) % 2, *steps) for place, pair in enumerate(pairs)], tools, "x.eval")
        for row, method in enumerate(METHODS)
    ]
    return write_report(
        compare(Measured("scienceqa", "", pairs, 1, 0, tmp_path, {"adapter": LONG}, published=True), played)
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["report.html", "plays.html"])
def test_a_page_fits_the_screen_and_asks_for_nothing(
    name: str, width: int, scheme: str, page: Path, browser: Any
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(page.with_name(name).as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert (said, "owned" in tab.title()) == ([], False)
    assert len(tab.screenshot()) > 10_000
    tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_and_paper_differ_in_the_charts_too(scheme: str, page: Path, browser: Any) -> None:
    tab = browser.new_page(color_scheme=scheme)
    tab.goto(page.as_uri())
    shown = "element => getComputedStyle(element).fill"
    ink = {tab.eval_on_selector(f"figure:nth-of-type({number}) svg text", shown) for number in (1, 2)}
    assert ink == ({"rgb(0, 0, 0)"} if scheme == "light" else {"rgb(255, 255, 255)"})
    tab.close()


def test_the_sections_are_reached_by_keyboard_and_the_charts_have_names(page: Path, browser: Any) -> None:
    tab = browser.new_page()
    tab.goto(page.as_uri())
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.url.endswith("#rewards")
    assert tab.get_by_role("img", name="Reward by level").count() == 1
    assert tab.locator("h1").count() == 1
    tab.close()
