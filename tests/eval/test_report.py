"""A comparison of methods, as a record and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autoact.core.records import QAPair, Scored, Step
from autoact.eval.methods import METHODS, Method
from autoact.eval.report import Measured, Played, Report, compare

Play = Callable[..., Scored]
PAIRS = (QAPair("a", "?", "x", level="easy"), QAPair("b", "?", "y", level="hard"))
ZERO_SHOT, AUTOACT = Method("zero-shot", "untrained"), Method("autoact", "trained")
JUDGED = (Step("t", "Finish", "x"), Step("t", "Reflect", "wrong"))


def measured(folder: Path, name: str = "toy") -> Measured:
    return Measured(name, "dev", PAIRS, 1, 0, folder, {"temperature": 0.0, "team": "plan-26b0"}, ("a",), ("a note",))


@pytest.fixture
def report(play: Play, tmp_path: Path) -> Report:
    before = Played(ZERO_SHOT, [play("a", 0), play("b", 1)], {"Retrieve": {"calls": 2}}, "zero.eval")
    after = Played(AUTOACT, [play("a", 1), play("b", 1)], settings={"team": "autoact"})
    return compare(measured(tmp_path), [before, after])


def test_methods_stand_side_by_side_with_their_paired_difference(report: Report) -> None:
    zero_shot, autoact = report.to_json()["methods"]
    assert (zero_shot["method"], zero_shot["reward"], zero_shot["difference"]) == ("zero-shot", 0.5, None)
    assert (autoact["method"], autoact["reward"], autoact["levels"]["easy"]["reward"]) == ("autoact", 1, 1)
    assert (autoact["difference"]["to"], autoact["difference"]["mean"]) == ("zero-shot", 0.5)


def test_the_json_says_what_was_measured_and_under_what(report: Report, tmp_path: Path) -> None:
    data = json.loads(json.dumps(report.to_json()))
    assert (data["benchmark"], data["split"], data["questions"], data["temperature"]) == ("toy", "dev", 2, 0)
    assert (data["contaminated"], data["notes"], data["records"]) == (["a"], ["a note"], str(tmp_path))
    assert data["made_under"]["settings"]["team"] == "plan-26b0"
    assert data["made_under"]["methods"] == {"autoact": {"team": "autoact"}}
    assert {"python", "langgraph", "matplotlib"} <= data["made_under"]["versions"].keys()
    assert [floor["name"] for floor in data["floors"]] == ["random", "never answers", "most common answer"]


def test_another_method_can_be_compared_with(play: Play, tmp_path: Path) -> None:
    played = [Played(method, [play("a", 0), play("b", 1)]) for method in (ZERO_SHOT, AUTOACT)]
    zero_shot, autoact = compare(measured(tmp_path), played, against="autoact").rows
    assert (zero_shot.difference and zero_shot.difference.to, autoact.difference) == ("autoact", None)


def test_without_the_method_compared_with_there_is_no_difference(play: Play, tmp_path: Path) -> None:
    report = compare(measured(tmp_path), [Played(AUTOACT, [play("a"), play("b")])])
    assert (report.against, report.rows[0].difference) == ("", None)


def test_a_play_that_ended_in_an_error_counts_and_is_listed(play: Play, tmp_path: Path) -> None:
    failed = play("a", 0, answer="", status="error", error="plan: BadRequestError: too odd")
    row = compare(measured(tmp_path), [Played(AUTOACT, [failed, play("b", 1)])]).rows[0]
    assert row.errors == {"a/0": "plan: BadRequestError: too odd"}
    assert (row.scores.overall.reward, row.failures["error"], row.statuses["error"]) == (0.5, 1, 1)


def test_verdicts_that_gold_dictated_are_no_reflection(play: Play, tmp_path: Path) -> None:
    reflexion = next(method for method in METHODS if method.oracle)
    plays = [play("a", 0, *JUDGED), play("b", 0, *JUDGED)]
    rows = compare(measured(tmp_path), [Played(reflexion, plays), Played(AUTOACT, plays)]).rows
    assert (rows[0].oracle, rows[0].reflection, rows[1].reflection is None) == (True, None, False)


def test_the_papers_rows_stand_beside_its_own_benchmarks_and_no_file_of_that_name(play: Play, tmp_path: Path) -> None:
    played = [Played(AUTOACT, [play("a"), play("b")])]
    of_the_users = measured(tmp_path, "hotpotqa")
    assert len(compare(replace(of_the_users, published=True), played).to_json()["paper"]) == 27
    assert compare(of_the_users, played).to_json()["paper"] == []
