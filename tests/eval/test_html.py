"""The page shows the report's figures, and whatever a model wrote only as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autoact.core.records import QAPair, Scored, Step
from autoact.eval.html import viewer_link, write_report
from autoact.eval.methods import Method
from autoact.eval.paper import BENCHMARKS
from autoact.eval.report import Measured, Played, Report, compare

Play = Callable[..., Scored]
HOSTILE = "<script>alert(1)</script>\"'><img src=http://evil.example/x>\x1b[2J\u202e\ud800\x00"
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Outline(HTMLParser):
    """What a page is made of; `wrong` are the tags that close what is not open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(tag)


def reported(play: Play, folder: Path, name: str = "toy", hostile: str = "a thought") -> Report:
    pairs = (
        QAPair("a", hostile, hostile + " gold", level="easy", context=hostile),
        QAPair("b", "Which?", "gas", choices=("gas", hostile), level=hostile),
    )
    steps = (Step(hostile, hostile, hostile, hostile), Step("t", "Finish", hostile), Step(hostile, "Reflect", hostile))
    usage = {hostile: {"calls": 1, "input_tokens": 5}}
    good = [play(pair.id, 0.75, *steps, answer=hostile, usage=usage, epoch=epoch) for pair in pairs for epoch in (0, 1)]
    bad = [
        play(pair.id, 0, answer="", status="error", error=hostile, epoch=epoch) for pair in pairs for epoch in (0, 1)
    ]
    tools = {hostile: {"calls": 3, "refused": 1, "failed": 0, "timeouts": 0, "p50": 0.0125}}
    measured = Measured(name, "dev", pairs, 2, 7, folder, {"team": hostile}, (hostile,), (hostile,), name in BENCHMARKS)
    played = [
        Played(Method("zero-shot", hostile), bad),
        Played(Method("autoact", "trained"), good, tools, "a log.eval", {"adapter": hostile}),
    ]
    return compare(measured, played)


def page_of(report: Report) -> str:
    return write_report(report).read_text("utf-8")


def test_every_figure_of_the_main_table_is_that_of_the_json(play: Play, tmp_path: Path) -> None:
    page = page_of(reported(play, tmp_path))
    data = json.loads((tmp_path / "report.json").read_text("utf-8"))
    for method in data["methods"]:
        shown = re.search(rf'data-method="{method["method"]}">([\d.]+) <small>\[([\d.]+), ([\d.]+)\]', page)
        assert shown is not None
        assert [float(part) for part in shown.groups()] == pytest.approx(
            [method["reward"], *method["interval"]], abs=6e-4
        )
    floor = next(each for each in data["floors"] if each["name"] == "random")
    assert f"{floor['overall']['oracle_best_of_two']:.3f}" in page


def test_a_hostile_trajectory_stays_text_on_every_page(play: Play, tmp_path: Path) -> None:
    write_report(reported(play, tmp_path, hostile=HOSTILE))
    for name in ("report.html", "plays.html"):
        page = (tmp_path / name).read_text("utf-8")
        outline = Outline(page)
        assert not {"script", "img", "iframe"} & set(outline.tags)
        assert not set(page) & {"\x1b", "\u202e", "\x00", "\ud800"}
    assert "&lt;script&gt;alert(1)" in page


def test_the_pages_load_nothing_and_link_to_the_viewer_on_this_machine_only(play: Play, tmp_path: Path) -> None:
    write_report(reported(play, tmp_path, hostile=HOSTILE))
    for name in ("report.html", "plays.html"):
        page = (tmp_path / name).read_text("utf-8")
        elsewhere = [link for link in Outline(page).links if not re.match(r"#|data:,$|plays\.html|report\.", link)]
        assert elsewhere
        assert all(link.startswith("http://127.0.0.1:7575/#/logs/a%20log.eval/") for link in elsewhere)
        assert not re.search(r"@import|url\((?!#)", page)


def test_the_pages_are_well_formed(play: Play, tmp_path: Path) -> None:
    write_report(reported(play, tmp_path, "scienceqa", HOSTILE))
    for name in ("report.html", "plays.html"):
        outline = Outline((tmp_path / name).read_text("utf-8"))
        assert (outline.open, outline.wrong) == ([], [])


def test_every_play_is_a_link_into_the_viewer(play: Play, tmp_path: Path) -> None:
    write_report(reported(play, tmp_path))
    links = Outline((tmp_path / "plays.html").read_text("utf-8")).links
    assert [link.rpartition("/sample/")[2] for link in links if "/sample/" in link] == [
        f"{question}/{epoch}/messages" for question in "ab" for epoch in (1, 2)
    ]


def test_a_link_quotes_the_question_as_the_viewer_does(play: Play) -> None:
    link = viewer_link("x.eval", play("what/is ä?", 1, epoch=1))
    assert link.endswith("/#/logs/x.eval/samples/sample/what%2Fis%20%C3%A4%3F/2/messages")


def test_the_papers_figures_are_marked_as_another_models(play: Play, tmp_path: Path) -> None:
    page = page_of(reported(play, tmp_path, "hotpotqa"))
    assert "Paper, another model: Llama-2-70B-chat" in page
    assert "0.4847" in page
    assert "Paper, another model" not in page_of(reported(play, tmp_path))


def test_what_would_spoil_a_figure_is_said_at_the_top(play: Play, tmp_path: Path) -> None:
    report = reported(play, tmp_path)
    assert "1 of these questions was learned from" in page_of(report)
    clean = replace(report, measured=replace(report.measured, contaminated=()))
    assert "None of these questions was found in what is here" in page_of(clean)


def test_a_difference_over_few_questions_has_a_dash_for_an_interval(play: Play, tmp_path: Path) -> None:
    assert "<td>+0.750 <small>–</small></td>" in page_of(reported(play, tmp_path))


def test_a_method_alone_has_a_page_too(play: Play, tmp_path: Path) -> None:
    report = reported(play, tmp_path)
    page = page_of(compare(report.measured, report.played[1:]))
    assert "it takes two methods" in page
    assert 'id="differences"' not in page


def test_the_same_report_gives_the_same_files(play: Play, tmp_path: Path) -> None:
    files = ("report.html", "plays.html", "report.json", "charts/levels.svg")
    report = reported(play, tmp_path)
    write_report(report)
    before = [(tmp_path / name).read_bytes() for name in files]
    write_report(report)
    assert [(tmp_path / name).read_bytes() for name in files] == before
