"""Several machines share the questions, and what they played is taken over by id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from autoact.core.errors import RunError
from autoact.core.lock import locked
from autoact.core.progress import Silent
from autoact.core.records import Reward, Scored
from autoact.core.shard import shard_of
from autoact.core.store import Store
from autoact.eval.benchmark import load_benchmark
from autoact.eval.evaluate import Options, evaluate_methods, evaluate_shard
from autoact.eval.methods import METHODS, Method
from autoact.eval.playing import GraphOf
from autoact.eval.trial_folder import Trial
from autoact.graph.run_folder import Planner, RunFolder

AUTOACT = METHODS[0]
GOOD = {"Peru": "Lima", "Cuba": "Havana", "Chad": "the Chari"}


def graphs(planner: Planner | None) -> Any:
    @contextmanager
    def of(_method: Method, _run: RunFolder, _trial: Trial) -> Iterator[GraphOf]:
        assert planner, "asked for though nothing is left to play"
        yield lambda _: planner

    return of


def shard(run: RunFolder, planner: Planner, name: str) -> Trial:
    benchmark = load_benchmark("toy", run.task)
    return evaluate_shard(run, benchmark, [AUTOACT], Silent(), Options(), shard_of(name), graphs(planner))


def whole(run: RunFolder, planner: Planner | None, progress: Silent | None = None) -> dict[str, Any]:
    benchmark = load_benchmark("toy", run.task)
    return evaluate_methods(run, benchmark, [AUTOACT], progress or Silent(), Options(), graphs(planner)).to_json()


def test_the_whole_takes_shards_over_and_plays_nothing_again(run: RunFolder, team: Any) -> None:
    folders = [shard(run, team(GOOD)[0], name).folder for name in ("1/2", "2/2")]
    assert [folder.name for folder in folders] == ["1-of-2", "2-of-2"]
    assert not list(folders[0].parents[1].glob("report.*"))
    assert whole(run, None)["questions"] == 3


def test_what_no_shard_has_played_is_played(run: RunFolder, team: Any) -> None:
    mine = shard(run, team(GOOD)[0], "1/2")
    planner, model = team(GOOD)
    assert whole(run, planner)["questions"] == 3
    assert len(model.calls) == 3 * (3 - len(mine.pairs))


def test_of_two_records_of_one_play_the_first_is_kept_and_it_is_said(run: RunFolder, team: Any) -> None:
    said: list[str] = []

    class Ear(Silent):
        def say(self, line: str) -> None:
            said.append(line)

    whole(run, team(GOOD)[0])
    records = next((run.path / "eval").glob("*/autoact.jsonl"))
    first = next(iter(Store(records, Scored)))
    Store(records.parent / "shards" / "1-of-9" / "autoact.jsonl", Scored).append(
        replace(first, reward=Reward(0, False))
    )
    assert whole(run, None, Ear())["methods"][0]["reward"] > 0.8
    assert [line.partition("autoact.jsonl: ")[2] for line in said] == [
        f"1 plays, such as {first.id}, were played elsewhere too; those are kept"
    ]


def test_a_shard_of_another_team_is_refused(run: RunFolder, team: Any) -> None:
    shard(replace(run, team=replace(run.team, base_hash="other")), team(GOOD)[0], "1/1")
    with pytest.raises(RunError, match="were made under another team"):
        whole(run, team(GOOD)[0])


def test_two_processes_on_one_shard_are_refused_and_on_two_are_not(run: RunFolder, team: Any) -> None:
    mine = shard(run, team(GOOD)[0], "1/2")
    with locked(mine.folder):
        shard(run, team(GOOD)[0], "2/2")
        with pytest.raises(RunError, match="1-of-2 is in use by another process"):
            shard(run, team(GOOD)[0], "1/2")
