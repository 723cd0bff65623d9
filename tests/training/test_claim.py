"""Going on with a run after something about it was changed: what may differ, and what is said of what may not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoact.core.budget import Spent
from autoact.core.errors import RunError
from autoact.core.progress import Silent
from autoact.core.records import QAPair, Scored, to_json
from autoact.core.shard import shard_of
from autoact.core.store import Store, read_json, write_json
from autoact.core.task import Task
from autoact.training.adapters import train_adapters
from autoact.training.learn import learn
from autoact.training.rounds import play
from autoact.training.self_instruct import Round
from autoact.training.sharding import learn_shard


class Listening(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def ids(path: Path, kind: type[Any]) -> list[str]:
    return [record.id for record in Store(path, kind)]


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Training fails until it is let go on."""

    def fail(*_: Any, **__: Any) -> None:
        raise RunError("the loss is not a number; lower learn.learning_rate")

    monkeypatch.setattr("autoact.training.rounds.train_adapters", fail)
    return lambda: monkeypatch.setattr("autoact.training.rounds.train_adapters", train_adapters)


def test_after_a_failed_training_other_settings_of_it_go_on_from_the_same_play(
    town: ModuleType, tmp_path: Path, untrained: Any
) -> None:
    run, progress = tmp_path / "run", Listening()
    with pytest.raises(RunError, match="not a number"):
        learn(town.town_task(tmp_path, learning_rate=5.0, per_question=1), run, progress, town.meta_agent())
    played = (run / "rounds/00/trajectories.jsonl").read_bytes()
    spent = Spent(600, closed="600 seconds")
    write_json(run / "spent.json", read_json(run / "spent.json") | {"training": to_json(spent)})
    untrained()
    model = town.meta_agent()
    team = learn(town.town_task(tmp_path, max_kept=12, min_kept=5), run, progress, model)
    assert team is not None
    assert team.settings["learning_rate"] == 1e-4
    assert team.adapters  # what training that begins again had spent is not counted
    assert model.calls == []
    assert (run / "rounds/00/trajectories.jsonl").read_bytes() == played
    assert len(ids(run / "rounds/00/kept.jsonl", Scored)) == 12
    assert progress.said.count("other settings of filtering and training: they begin again, on the same play") == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"max_steps": 7}, r"other settings: learn\.max_steps was 8 and is 7; set it back, or choose another --out"),
        ({"learning_rate": 0.5}, r"other settings: learn\.learning_rate was 0\.0001 and is 0\.5; set it back"),
    ],
)
def test_a_finished_run_is_of_its_settings_and_the_one_that_differs_is_named(
    learned: Any, town: ModuleType, tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    shutil.copy(learned.task.file.parent / "corpus.jsonl", tmp_path)
    with pytest.raises(RunError, match=told):
        learn(town.town_task(tmp_path, **settings), learned.path, Silent(), town.meta_agent())


def test_a_changed_corpus_and_another_task_are_told_apart(learned: Any, town: ModuleType, tmp_path: Path) -> None:
    task = town.town_task(tmp_path)
    with (tmp_path / "corpus.jsonl").open("a") as file:
        file.write('{"title": "Atlantis", "text": "An island."}\n')
    with pytest.raises(RunError, match="other files: the corpus"):
        learn(task, learned.path, Silent(), town.meta_agent())
    with pytest.raises(RunError, match="another task; give its task file, or choose another --out"):
        learn(task.model_copy(update={"name": "Villages"}), learned.path, Silent(), town.meta_agent())


def test_a_base_that_is_not_what_it_was_is_refused(town: ModuleType, tmp_path: Path, untrained: Any) -> None:
    base = shutil.copytree(town.SEED, tmp_path / "base")
    task = town.town_task(tmp_path).model_copy(update={"base": str(base)})
    with pytest.raises(RunError, match="not a number"):
        learn(task, tmp_path / "run", Silent(), town.meta_agent())
    untrained()
    template = base / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    with pytest.raises(RunError, match="has changed since the run began; put the weights back"):
        learn(task, tmp_path / "run", Silent(), town.meta_agent())


@pytest.fixture
def played(town: ModuleType, tmp_path: Path) -> Path:
    """A run that was left after synthesis, whose tools.json is gone since."""
    run = tmp_path / "run"
    learn(town.town_task(tmp_path), run, Silent(), town.meta_agent(), until="synthesis")
    (run / "tools.json").unlink()
    return run


def chosen(run: Path, *tools: str) -> None:
    write_json(run / "tools.json", {"tools": tools, "replies": [], "fallback": False})


def test_other_tools_than_those_of_the_play_are_refused_and_nothing_is_lost(
    town: ModuleType, tmp_path: Path, played: Path
) -> None:
    chosen(played, "Search", "Retrieve")
    before = {path: path.read_bytes() for path in played.rglob("*.jsonl")}
    line = r"run has played with Retrieve, and tools\.json now names Search, Retrieve; put back"
    with pytest.raises(RunError, match=line):
        learn(town.town_task(tmp_path), played, Silent(), town.meta_agent())
    with pytest.raises(RunError, match=line):
        learn_shard(town.town_task(tmp_path), played, shard_of("1/2"), Silent(), town.meta_agent())
    assert {path: path.read_bytes() for path in played.rglob("*.jsonl")} == before
    (played / "rounds").rename(tmp_path / "away")
    learn(town.town_task(tmp_path), played, Silent(), town.meta_agent(), until="tool selection")
    assert read_json(played / "task.json")["tools"] == ["Search", "Retrieve"]


def test_the_same_tools_chosen_again_go_on_with_the_play(town: ModuleType, tmp_path: Path, played: Path) -> None:
    model = town.meta_agent()
    learn(town.town_task(tmp_path), played, Silent(), model, until="synthesis")
    assert len(model.calls) == 2  # for the tools, and why


def test_a_run_of_an_older_version_has_played_with_the_tools_that_it_has(
    town: ModuleType, tmp_path: Path, played: Path
) -> None:
    noted = read_json(played / "task.json")
    write_json(played / "task.json", {name: noted[name] for name in noted if name != "tools"})
    chosen(played, "Search", "Retrieve")
    learn(town.town_task(tmp_path), played, Silent(), town.meta_agent(), until="synthesis")
    assert read_json(played / "task.json")["tools"] == ["Search", "Retrieve"]


def with_benchmark(task: Task, path: Path, pair: QAPair) -> Task:
    path.write_text(json.dumps({"question": pair.question, "answer": pair.answer}))
    return task.model_copy(update={"benchmarks": {"dev": str(path)}})


def test_a_benchmark_that_is_named_later_is_not_trained_on(town: ModuleType, tmp_path: Path) -> None:
    task, run = town.town_task(tmp_path), tmp_path / "run"
    learn(task, run, Silent(), town.meta_agent(), until="self-instruct")
    first = next(iter(Store(run / "questions.jsonl", QAPair)))
    with pytest.raises(
        RunError, match=r"instruct\.jsonl holds a question that is the same as .*benchmarks: or exclude:"
    ):
        learn(with_benchmark(task, tmp_path / "dev.jsonl", first), run, Silent(), town.meta_agent())


def stopped_before_its_second_play(task: Task, run: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of two rounds, killed where the second begins to play."""

    def stop(work: Any, number: int, *others: Any) -> list[Scored]:
        if number:
            raise KeyboardInterrupt
        return play(work, number, *others)

    with monkeypatch.context() as patched:
        patched.setattr("autoact.training.learn.play", stop)
        with pytest.raises(KeyboardInterrupt):
            learn(task, run, Silent(), model)


def test_what_a_later_round_writes_is_no_part_of_the_first_and_not_at_its_cost(
    town: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets = {"self-instruct": {"requests": 4}}
    task = town.town_task(tmp_path, rounds=2, budgets=budgets, min_kept=1, prompts_per_round=2, pairs_per_prompt=5)
    run = tmp_path / "run"
    stopped_before_its_second_play(task, run, town.meta_agent(), monkeypatch)
    written = list(Store(run / "instruct.jsonl", Round))
    by_round = {number: [done for done in written if done.learning == number] for number in (0, 1)}
    assert [sum(done.usage["calls"] for done in by_round[number]) for number in (0, 1)] == [4, 4]
    first = {pair.id for done in by_round[0] for pair in done.pairs}
    played = (run / "rounds/00/trajectories.jsonl").read_bytes()
    assert learn(task, run, Silent(), town.meta_agent()) is not None
    assert (run / "rounds/00/trajectories.jsonl").read_bytes() == played
    second = {name.split("/")[0] for name in ids(run / "rounds/01/trajectories.jsonl", Scored)}
    assert {pair.id for done in by_round[1] for pair in done.pairs} <= second
    assert {name.split("/")[0] for name in ids(run / "rounds/00/trajectories.jsonl", Scored)} == first


def test_a_budget_that_left_too_few_to_train_is_named_and_a_larger_one_goes_on(
    town: ModuleType, tmp_path: Path
) -> None:
    small, run = {"synthesis": {"requests": 30}}, tmp_path / "run"
    with pytest.raises(RunError, match=r"budget of 30 requests was spent; raise learn\.budgets of synthesis to go on"):
        learn(town.town_task(tmp_path, budgets=small, workers=1), run, Silent(), town.meta_agent())
    before = ids(run / "rounds/00/trajectories.jsonl", Scored)
    assert learn(town.town_task(tmp_path), run, Silent(), town.meta_agent()) is not None
    after = ids(run / "rounds/00/trajectories.jsonl", Scored)
    assert after[: len(before)] == before
    assert len(after) == 40 > len(before)


def test_a_budget_that_left_too_few_questions_to_train_is_named_and_a_larger_one_goes_on(
    town: ModuleType, tmp_path: Path
) -> None:
    small, run = {"self-instruct": {"requests": 1}}, tmp_path / "run"
    with pytest.raises(RunError, match=r"budget of 1 requests was spent; raise learn\.budgets of self-instruct to go"):
        learn(town.town_task(tmp_path, budgets=small, prompts_per_round=1), run, Silent(), town.meta_agent())
    before = ids(run / "rounds/00/trajectories.jsonl", Scored)
    assert learn(town.town_task(tmp_path, prompts_per_round=1), run, Silent(), town.meta_agent()) is not None
    assert ids(run / "rounds/00/trajectories.jsonl", Scored)[: len(before)] == before


def test_a_round_that_is_filtered_has_no_shards(learned: Any) -> None:
    with pytest.raises(RunError, match="played and filtered, so it has no shards"):
        learn_shard(learned.task, learned.path, shard_of("1/2"), Silent(), learned.model)


@pytest.mark.parametrize("content", [[], {"plan": 3}, {"plan": {"path": 3}}])
def test_a_broken_record_of_adapters_is_one_line(learned: Any, tmp_path: Path, content: Any) -> None:
    run = shutil.copytree(learned.path, tmp_path / "run")
    (run / "team.json").unlink()
    write_json(run / "rounds/00/adapters.json", content)
    with pytest.raises(RunError, match=r"adapters\.json does not say which adapters are trained"):
        learn(learned.task, run, Silent(), learned.model)
    assert read_json(run / "rounds/00/adapters.json") == content
