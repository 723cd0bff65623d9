"""Draws the judging page: an evaluation written by hand, served by `autoact judge`, seen by a browser.

    python docs/judging.py      # docs/images/judging.png; needs playwright and a Chromium

tests/serve/judging/test_browser.py does the same, elsewhere.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from autoact.core.records import QAPair, Reward, Scored, Step, Trajectory
from autoact.core.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURE = Path(__file__).parent / "images" / "judging.png"
AUTOACT = Path(sys.executable).parent / "autoact"
# Draws the first of the questions below.
SEED = "1"
VIENNA = "What is the currency of the country whose capital is Vienna?"
PAIRS = (
    QAPair("vienna", VIENNA, "euro"),
    QAPair("cuba", "What is the longest river of Cuba?", "Cauto"),
    QAPair("oslo", "Which country has Oslo as its capital?", "Norway", ("Norway", "Sweden", "Denmark")),
)
LOOKED_UP = Step(
    "I need the country whose capital is Vienna.", "Retrieve", "Vienna", "Vienna is the capital of Austria."
)
EURO = Step("The currency of Austria is the euro.", "Finish", "euro")
PLAYS: Mapping[str, tuple[Step, ...]] = {
    "autoact": (
        LOOKED_UP,
        Step(
            "Now I need the currency of Austria.",
            "Retrieve",
            "Austria",
            "Austria is a country. Its currency is the euro.",
        ),
        EURO,
        Step("The page of Austria says so.", "Reflect", "right"),
    ),
    "react": (
        LOOKED_UP,
        Step("I look for a currency.", "Lookup", "currency", "No sentence of the page has currency."),
        Step("I try again.", "Lookup", "currency", "No sentence of the page has currency."),
    ),
    "cot": (Step("Vienna is in Austria, and Austria once had the schilling.", "Finish", "schilling"),),
}


def example(folder: Path) -> Path:
    """An evaluation in a folder; its methods go about every question as about the first."""
    Store(folder / "questions.jsonl", QAPair).append(*PAIRS)
    for method, steps in PLAYS.items():
        plays = (Trajectory(f"{pair.id}/0", pair.id, steps, "euro", "answered") for pair in PAIRS)
        Store(folder / f"{method}.jsonl", Scored).append(*(Scored(play, Reward(0.0, False)) for play in plays))
    return folder


@contextmanager
def judging(trial: Path, *words: str) -> Iterator[str]:
    """The address of `autoact judge` for the evaluation's methods."""
    command = [str(AUTOACT), "judge", str(trial), *PLAYS, "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split()[2]
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def draw(picture: Path, browser: Browser) -> None:
    """A judge's first question, as a picture."""
    with TemporaryDirectory() as folder, judging(example(Path(folder)), "--seed", SEED) as url:
        page = browser.new_page(viewport={"width": 1200, "height": 800}, java_script_enabled=False)
        page.goto(url)
        page.get_by_label("Your name").fill("Ann")
        page.get_by_role("button", name="Begin").click()
        page.get_by_role("link", name="Judge question 1").click()
        page.get_by_role("group", name="Number of rounds").get_by_label("B", exact=True).check()
        page.screenshot(path=picture, full_page=True)


if __name__ == "__main__":
    with chromium() as browser:
        draw(PICTURE, browser)
