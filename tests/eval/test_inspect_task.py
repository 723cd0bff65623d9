"""The Inspect log holds every play as it was, with its reward and what failed, and Inspect leaves nothing elsewhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import EndpointError
from autoact.core.progress import Silent
from autoact.core.records import QAPair, Scored, Step, Trajectory
from autoact.core.reward import reward_of
from autoact.core.store import Store
from autoact.eval.benchmark import Benchmark
from autoact.eval.evaluate import evaluate
from autoact.eval.methods import METHODS
from autoact.eval.trial_folder import Trial
from autoact.graph.context import Context

AUTOACT = METHODS[0]
HOSTILE = "half \ud800 a \x1b[2J character <script>"
STEPS = (
    Step("I look.", "Retrieve", "Lima", "Lima is in Peru.", wrote={"plan": "plan-1a", "tool": "tool-2b"}),
    Step("Again.", "Retrieve", "Limo", "No such page.", ok=False),
    Step(HOSTILE, "Finish", "Lima", wrote={"plan": "plan-1a"}),
    Step("It says so.", "Reflect", "right", wrote={"reflect": "reflect-3c"}),
)


def recorded(folder: Path, *trajectories: Trajectory, epochs: int = 1) -> Trial:
    """A trial whose plays are all on disk already, so that only the log is left to make."""
    ids = dict.fromkeys(trajectory.question_id for trajectory in trajectories)
    pairs = tuple(QAPair(name, f"What is {name}?", "Lima", level="hard" if "h" in name else "easy") for name in ids)
    trial = Trial(Benchmark("toy", "", pairs, "d"), pairs, epochs, Context(), (), 0, 2, folder / "toy", {"seen": 1})
    golds = {pair.id: pair for pair in pairs}
    scored = (Scored(item, reward_of(item.answer, golds[item.question_id])) for item in trajectories)
    Store(trial.records("autoact"), Scored).append(*scored)
    return trial


def answered(name: str, answer: str, epoch: int = 0) -> Trajectory:
    return Trajectory(f"{name}/{epoch}", name, STEPS, answer, "answered", usage={"plan": {"calls": 3}}, seconds=0.5)


def failed(name: str) -> Trajectory:
    return Trajectory(f"{name}/0", name, (), "", "error", error="plan: BadRequestError: no \ud800")


def log_of(trial: Trial, settings: Mapping[str, Any] | None = None) -> Any:
    from inspect_ai.log import read_eval_log

    played = evaluate(AUTOACT, nullcontext, trial, settings or {}, Silent())  # type: ignore[arg-type]
    return read_eval_log(str(trial.folder.parent / played.log))


def test_a_log_has_the_rewards_their_standard_errors_and_the_levels(tmp_path: Path) -> None:
    plays = (answered("a", "Lima"), answered("b", "Cusco"), answered("h", "Lima"), answered("hh", "Lima"))
    reward, exact = log_of(recorded(tmp_path, *plays)).results.scores
    assert {name: metric.value for name, metric in reward.metrics.items()} == pytest.approx(
        {"mean": 0.75, "stderr": 0.25, "easy": 0.5, "hard": 1.0}
    )
    assert exact.metrics["mean"].value == 0.75


def test_epochs_are_plays_of_one_sample_and_counted_once(tmp_path: Path) -> None:
    plays = [answered(name, answer, epoch) for name in ("a", "b") for epoch, answer in enumerate(("Lima", "Cusco"))]
    log = log_of(recorded(tmp_path, *plays, epochs=2))
    assert {(sample.id, sample.epoch): sample.scores["reward"].value for sample in log.samples} == {
        ("a", 1): 1, ("a", 2): 0, ("b", 1): 1, ("b", 2): 0,
    }  # fmt: skip
    assert log.results.scores[0].metrics["stderr"].value == 0


def test_a_trajectory_is_shown_turn_by_turn_with_who_spoke(tmp_path: Path) -> None:
    (sample,) = log_of(recorded(tmp_path, answered("a", "Lima"))).samples
    asked, looks, sees, again, misses, finishes, judges = sample.messages
    assert asked.text == "Question: What is a?"
    assert (looks.text, looks.model) == ("I look.", "plan-1a")
    assert (looks.tool_calls[0].function, looks.tool_calls[0].arguments) == ("Retrieve", {"input": "Lima"})
    assert (sees.text, sees.tool_call_id, sees.error) == ("Lima is in Peru.", looks.tool_calls[0].id, None)
    assert (again.tool_calls[0].arguments, misses.error.message) == ({"input": "Limo"}, "No such page.")
    assert finishes.text == "half \ufffd a \x1b[2J character <script>"
    assert (judges.text, judges.model) == ("It says so.\nVerdict: right", "reflect-3c")
    assert (sample.output.completion, sample.target) == ("Lima", "Lima")
    assert sample.metadata == {
        "level": "easy", "status": "answered", "usage": {"plan": {"calls": 3}}, "tools": {}, "seconds": 0.5,
    }  # fmt: skip


def test_an_errored_play_counts_as_0_and_its_sample_says_why(tmp_path: Path) -> None:
    plays = [answered(f"q{number}", "Lima") for number in range(9)]
    log = log_of(recorded(tmp_path, *plays, failed("bad")))
    errors = {sample.id: sample.error.message for sample in log.samples if sample.error}
    assert errors == {"bad": "RuntimeError('plan: BadRequestError: no \ufffd')"}
    assert (log.status, log.results.scores[0].metrics["mean"].value) == ("success", pytest.approx(0.9))


def test_more_than_a_tenth_of_errors_is_no_result(tmp_path: Path) -> None:
    trial = recorded(tmp_path, *(answered(f"q{number}", "Lima") for number in range(8)), failed("bad"))
    with pytest.raises(EndpointError, match=r"1 of 9 plays of autoact ended in an error, bad/0 first \(plan: Bad"):
        evaluate(AUTOACT, nullcontext, trial, {}, Silent())  # type: ignore[arg-type]


def test_the_log_says_what_the_figures_depend_on_and_that_its_content_is_not_to_be_trusted(tmp_path: Path) -> None:
    log = log_of(recorded(tmp_path, answered("a", "Lima")), {"team": {"adapters": {"plan": "plan-1a"}}})
    assert (log.eval.task, log.eval.dataset.name) == ("autoact", "")
    assert log.eval.metadata == {"seen": 1, "team": {"adapters": {"plan": "plan-1a"}}}
    assert log.eval.viewer.trust_content is False


def test_an_id_may_be_a_path(tmp_path: Path) -> None:
    (sample,) = log_of(recorded(tmp_path, answered("../a b/ü", "Lima"))).samples
    assert (sample.id, sample.scores["exact"].value) == ("../a b/ü", 1)


def test_inspect_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(home))
    (tmp_path / ".env").write_text("AUTOACT_SECRET=1\nINSPECT_LOG_DIR=elsewhere\n")
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ), logging.getLogger().level, logging.getLogger().handlers[:]
    log_of(recorded(tmp_path, answered("a", "Lima"), failed("b"), *(answered(f"q{i}", "Lima") for i in range(9))))
    assert set(os.environ.items()) ^ set(before[0].items()) == set()
    assert (logging.getLogger().level, logging.getLogger().handlers) == before[1:]
    assert list(home.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "home", "toy"]
    assert sorted(path.name for path in (tmp_path / "toy").rglob("*")) == [
        "autoact.eval", "autoact.json", "autoact.jsonl", "logs",
    ]  # fmt: skip
