"""An evaluation plays what is missing, keeps what it played, and never mixes settings or hides a failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from autoact.core.errors import EndpointError, RunError
from autoact.core.progress import Silent
from autoact.core.records import Scored
from autoact.core.store import Store, read_json
from autoact.eval.benchmark import Benchmark, load_benchmark
from autoact.eval.evaluate import Trial, evaluate, trial_of
from autoact.eval.methods import METHODS, Kind
from autoact.eval.report import Report, report_on
from autoact.graph.run_folder import Planner, RunFolder
from autoact.models.scripted import ScriptedChatModel

Team = Callable[[Mapping[str, str]], tuple[Planner, ScriptedChatModel]]
ZERO_SHOT, AUTOACT = METHODS
GOOD = {"Peru": "Lima", "Cuba": "Havana", "Chad": "the Chari"}
CALLS = 3  # plan, tool, reflect


def trial(run: RunFolder, epochs: int = 1, temperature: float = 0.0, limit: int | None = None) -> Trial:
    return trial_of(run, load_benchmark("toy", run.task), epochs, temperature, limit)


def never(kind: Kind) -> Planner:
    raise AssertionError(f"{kind} was asked for though nothing is left to play")


def test_every_question_is_played_scored_and_kept(run: RunFolder, team: Team) -> None:
    graph, model = team(GOOD)
    records = evaluate(AUTOACT, lambda _: graph, trial(run), Silent())
    assert [record.id for record in records] == ["peru/0", "cuba/0", "chad/0"]
    assert [round(record.reward.value, 3) for record in records] == [1, 1, 0.667]
    assert len(model.calls) == CALLS * 3


def test_no_prompt_holds_a_gold_answer(run: RunFolder, team: Team) -> None:
    graph, model = team(dict.fromkeys(GOOD, "unknown"))
    evaluate(AUTOACT, lambda _: graph, trial(run), Silent())
    seen = " ".join(str(message.text) for call in model.calls for message in call)
    assert not any(gold in seen for gold in ("Lima", "Havana", "Chari"))


def test_a_finished_evaluation_asks_for_no_model(run: RunFolder, team: Team) -> None:
    graph, _ = team(GOOD)
    first = evaluate(AUTOACT, lambda _: graph, trial(run), Silent())
    assert evaluate(AUTOACT, never, trial(run), Silent()) == first


def test_a_killed_evaluation_plays_what_is_missing_and_nothing_twice(run: RunFolder, team: Team) -> None:
    graph, _ = team(GOOD)
    whole = evaluate(AUTOACT, lambda _: graph, trial(run), Silent())
    path = trial(run).folder / "autoact.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\n") + 40])
    graph, model = team(GOOD)
    assert evaluate(AUTOACT, lambda _: graph, trial(run), Silent()) == whole
    assert len(model.calls) == CALLS * 2
    assert len(Store(path, Scored)) == 3


def test_more_epochs_and_a_raised_limit_reuse_what_was_played(run: RunFolder, team: Team) -> None:
    graph, model = team(GOOD)
    evaluate(AUTOACT, lambda _: graph, trial(run, limit=1), Silent())
    records = evaluate(AUTOACT, lambda _: graph, trial(run, epochs=2), Silent())
    assert (len(records), len(model.calls)) == (6, CALLS * 6)


def test_methods_draw_with_the_same_seeds_and_keep_their_own_files(run: RunFolder, team: Team) -> None:
    graph, _ = team(GOOD)
    for method in METHODS:
        evaluate(method, lambda _: graph, trial(run), Silent())
    assert {path.name for path in trial(run).folder.glob("*.jsonl")} == {"autoact.jsonl", "zero-shot.jsonl"}


def test_a_changed_setting_question_team_or_corpus_is_another_folder(run: RunFolder, tmp_path: Path) -> None:
    own = load_benchmark("toy", run.task)
    other = Benchmark(own.name, own.split, own.pairs, "another digest")
    folders = [trial(run).folder, trial(run, temperature=0.7).folder]
    folders.append(trial_of(run, other, 1, 0.0, None).folder)
    folders.append(trial(replace(run, team=replace(run.team, adapters={"plan": "plan-1"}))).folder)
    (tmp_path / "corpus.jsonl").write_text('{"title": "a", "text": "b"}\n', "utf-8")
    folders.append(trial(run).folder)
    assert len(set(folders)) == len(folders)
    assert all(folder.name.startswith("toy-dev-") for folder in folders)
    assert read_json(folders[1] / "settings.json")["temperature"] == 0.7


def test_a_name_from_a_file_cannot_leave_the_folder(run: RunFolder) -> None:
    hostile = Benchmark("../../x/" + "y" * 300, "", (), "d")
    folder = trial_of(run, hostile, 1, 0.0, None).folder
    assert folder.parent == run.path / "eval"
    assert len(folder.name) < 60


def test_a_failed_model_is_an_error_and_no_wrong_answer(run: RunFolder, team: Team) -> None:
    graph, _ = team({"Peru": "Lima", "Cuba": "Havana"})
    with pytest.raises(EndpointError, match=r"1 questions could not be played .*the server is gone"):
        evaluate(AUTOACT, lambda _: graph, trial(run), Silent())
    assert len(Store(trial(run).folder / "autoact.jsonl", Scored)) == 2
    graph, _ = team(GOOD)
    assert len(evaluate(AUTOACT, lambda _: graph, trial(run), Silent())) == 3


def test_progress_says_how_it_goes(run: RunFolder, team: Team) -> None:
    heard: list[tuple[int, int, str]] = []

    class Ear(Silent):
        def advance(self, done: int, total: int, note: str = "") -> None:
            heard.append((done, total, note))

    graph, _ = team({**GOOD, "Cuba": "unknown", "Chad": "Chari River"})
    evaluate(AUTOACT, lambda _: graph, trial(run), Ear())
    assert heard[0] == (0, 3, "")
    assert heard[-1] == (3, 3, "reward 0.667, 2 with reward 1")


def reported(run: RunFolder, team: Team, **options: bool) -> Report:
    graphs = {"zero-shot": team({**GOOD, "Peru": "Cusco"})[0], "autoact": team(GOOD)[0]}
    benchmark = load_benchmark("toy", run.task)
    return report_on(run, benchmark, METHODS, lambda kind: graphs[kind], Silent(), **options)


def test_a_report_puts_methods_side_by_side(run: RunFolder, team: Team) -> None:
    data = reported(run, team).to_json()
    zero_shot, autoact = data["methods"]
    assert (zero_shot["method"], zero_shot["difference"]) == ("zero-shot", None)
    assert autoact["reward"] - zero_shot["reward"] == pytest.approx(autoact["difference"]["mean"])
    assert (autoact["difference"]["wins"], autoact["difference"]["losses"]) == (1, 0)
    assert (data["benchmark"], data["split"], data["questions"]) == ("toy", "dev", 3)
    assert autoact["levels"]["direct"] == {"questions": 2, "reward": 1.0}


def test_a_run_is_not_measured_on_what_it_learned_from_unless_asked_to(run: RunFolder, team: Team) -> None:
    path = run.path / "questions.jsonl"
    path.write_text('{"id": "q", "question": "what is capital of PERU", "answer": "Lima"}\n', "utf-8")
    with pytest.raises(RunError, match="1 of 3 questions of toy were learned from"):
        reported(run, team)
    assert not (run.path / "eval").exists()
    assert reported(run, team, allow_contaminated=True).to_json()["contaminated"] == ["peru"]
