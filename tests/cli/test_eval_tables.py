"""The printed comparison holds the figures of the report, and no name in it steers the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from autoact.cli.eval_tables import print_methods, print_report
from autoact.core.records import QAPair, Reward, Scored, Step, Trajectory
from autoact.eval.methods import METHODS, Method
from autoact.eval.report import Measured, Played, Report, compare

Show = Callable[[Report], str]
CALLS = ("calls", "refused", "failed", "timeouts")
PAIRS = (QAPair("a", "?", "x", level="[red]hard"), QAPair("b", "?", "y", level="easy"))
USAGE = {"plan": {"calls": 3, "input_tokens": 100, "output_tokens": 10}}
STEPS = (Step("t", "Finish", "x"), Step("t", "Reflect", "wrong"))


def played(*rewards: float, epochs: int = 1, status: str = "answered") -> list[Scored]:
    return [
        Scored(
            Trajectory(f"{pair.id}/{epoch}", pair.id, STEPS, "x", status, error="\x1bbad", usage=USAGE, seconds=0.5),  # type: ignore[arg-type]
            Reward(value, value == 1),
        )
        for pair, value in zip(PAIRS, rewards, strict=True)
        for epoch in range(epochs)
    ]


def report(*learned: str, epochs: int = 1, status: str = "answered") -> Report:
    zero_shot = Played(Method("zero-shot", ""), played(0, 1, epochs=epochs, status=status))
    autoact = Played(Method("autoact", ""), played(1, 1, epochs=epochs), {"Retrieve": dict.fromkeys(CALLS, 4)})
    reflexion = Played(Method("reflexion", "", oracle=True), played(1, 1, epochs=epochs))
    notes = ("a note\x1b[2J",)
    measured = Measured("toy\x1b[2J", "dev", PAIRS, epochs, 0, Path("runs/x"), contaminated=learned, notes=notes)
    return compare(measured, [zero_shot, autoact, reflexion])


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Show:
    """What a report looks like on a screen of the usual width."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def show(shown: Report) -> str:
        print_report(shown)
        return str(capsys.readouterr().out)

    return show


def line(out: str, first: str, nth: int = 0) -> list[str]:
    """The words of the nth line that begins so."""
    return [words for words in map(str.split, out.splitlines()) if words[:1] == [first]][nth]


def test_methods_stand_side_by_side(printed: Show) -> None:
    out = printed(report())
    assert "toy\\x1b[2J dev: 2 questions" in out
    assert line(out, "autoact")[:6] == ["autoact", "1.000", "[0.342,", "1.000]", "1.000", "+0.500"]
    assert line(out, "autoact", 1) == ["autoact", "1.000", "[0.207,", "1.000]", "1.000", "[0.207,", "1.000]", "1.000"]
    assert line(out, "autoact", 2) == ["autoact", "1.0", "1.0", "3.0", "100.0", "10.0", "0.50", "0.50"]
    assert line(out, "zero-shot", 3) == ["zero-shot", *["–"] * 7, "1"]
    assert line(out, "zero-shot", 4) == ["zero-shot", "2", "1", "0.500", "1.000", "1.000"]
    assert "[red]hard (1)" in out


def test_floors_and_the_gold_answer_are_marked(printed: Show) -> None:
    out = printed(report())
    assert line(out, "random") == ["random", "0.000", "floor", "0.000"]
    assert line(out, "reflexion*")[1] == "1.000"
    assert "* uses the gold answer" in out


def test_the_better_of_two_is_a_column_of_its_own_when_there_are_two(printed: Show) -> None:
    assert "oracle" not in printed(report())
    assert line(printed(report(epochs=2)), "autoact")[5] == "1.000"


def test_many_levels_are_left_to_the_page(printed: Show) -> None:
    pairs = tuple(QAPair(str(number), "?", "x", level=f"level {number}") for number in range(9))
    plays = [Scored(Trajectory(f"{pair.id}/0", pair.id, STEPS, "x", "answered"), Reward(1, True)) for pair in pairs]
    out = printed(compare(Measured("toy", "", pairs, 1, 0, Path("runs/x")), [Played(Method("react", ""), plays)]))
    assert "Reward by level: there are 9 levels; report.html has them all" in out
    assert "level 1" not in out


def test_no_line_is_wider_than_the_screen(printed: Show) -> None:
    assert max(len(text) for text in printed(report(epochs=2)).splitlines()) <= 120


def test_what_spoils_the_figures_and_where_the_files_are_is_said(printed: Show) -> None:
    out = printed(report("a", status="error"))
    assert "Beware: 1 question was learned from (a)." in out
    assert "Beware: 6 questions were learned from (a, b, c, d, e …)." in printed(report(*"abcdef"))
    assert "a note\\x1b[2J" in out
    assert "zero-shot: 2 plays ended in an error and count as 0, as a/0: \\x1bbad" in out
    assert out.endswith("Every play: runs/x\nReport: runs/x/report.html\n")


def test_every_method_is_listed_with_the_team_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    print_methods(as_json=False)
    shown = capsys.readouterr().out
    assert all(method.id in shown for method in METHODS)
    print_methods(as_json=True)
    listed = {each["id"]: each for each in json.loads(capsys.readouterr().out)["methods"]}
    assert (listed["fireact"]["team"], listed["react"]["team"], listed["reflexion"]["oracle"]) == ("fireact", "", True)
