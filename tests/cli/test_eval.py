"""The printed comparison holds the figures of the report, and no name in it steers the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoact.cli.eval import print_report
from autoact.core.records import QAPair, Reward, Scored, Step, Trajectory
from autoact.eval.benchmark import Benchmark
from autoact.eval.evaluate import Trial
from autoact.eval.report import Report, compare
from autoact.graph.context import Context

PAIRS = (QAPair("a", "?", "x", level="[red]hard"), QAPair("b", "?", "y", level="easy"))


def played(*rewards: float) -> list[Scored]:
    usage = {"plan": {"calls": 3, "input_tokens": 100, "output_tokens": 10}}
    steps = (Step("t", "Finish", "x"),)
    return [
        Scored(
            Trajectory(f"{pair.id}/0", pair.id, steps, "x", "answered", usage=usage),
            Reward(value, value == 1),
        )
        for pair, value in zip(PAIRS, rewards, strict=True)
    ]


def report(tmp_path: Path, *learned: str) -> Report:
    trial = Trial(PAIRS, 1, Context(), 0, 2, tmp_path)
    benchmark = Benchmark("toy\x1b[2J", "dev", PAIRS, "d")
    return compare(benchmark, trial, learned, {"zero-shot": played(0, 1), "autoact": played(1, 1)})


def test_methods_stand_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_report(report(tmp_path))
    out = capsys.readouterr().out
    assert "toy\\x1b[2J dev: 2 questions" in out
    autoact = next(line.split() for line in out.splitlines() if line.strip().startswith("autoact"))
    assert autoact[:6] == ["autoact", "1.000", "[0.342,", "1.000]", "1.000", "+0.500"]
    assert any(line.split() == ["[red]hard", "1", "0.000", "1.000"] for line in out.splitlines())
    assert any(line.split() == ["zero-shot", "plan", "3.0", "100.0", "10.0"] for line in out.splitlines())
    assert "Beware" not in out


def test_contaminated_figures_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report(tmp_path, "a"))
    assert "Beware: 1 questions were learned from (a …)" in capsys.readouterr().out
