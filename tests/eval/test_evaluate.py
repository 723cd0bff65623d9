"""An evaluation plays what is missing, keeps what it played, and never mixes settings or hides a failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import EndpointError, RunError, UserError
from autoact.core.progress import Silent
from autoact.core.records import Provenance, QAPair, Scored
from autoact.core.store import Store, read_json
from autoact.eval.benchmark import Benchmark, load_benchmark
from autoact.eval.evaluate import Options, evaluate_methods, play_methods
from autoact.eval.methods import METHODS, Method
from autoact.eval.playing import GraphOf
from autoact.eval.trial_folder import Trial, of_each_level, trial_of
from autoact.graph.run_folder import Planner, RunFolder

ZERO_SHOT, AUTOACT = (next(method for method in METHODS if method.id == name) for name in ("zero-shot", "autoact"))
GOOD = {"Peru": "Lima", "Cuba": "Havana", "Chad": "the Chari"}
CALLS = 3  # plan, tool, reflect


def trial(run: RunFolder, epochs: int = 1, temperature: float = 0.0, limit: int | None = None) -> Trial:
    return trial_of(run, load_benchmark("toy", run.task), epochs, temperature, limit)


def graphs(**planners: Planner) -> Any:
    """Graphs that are made already, by method; one that is asked for without being named fails the test."""

    @contextmanager
    def of(method: Method, _run: RunFolder, _trial: Trial) -> Iterator[GraphOf]:
        planner = planners[method.id.replace("-", "_")]
        yield lambda _: planner

    return of


def played(run: RunFolder, planner: Planner | None, asked: Trial | None = None) -> list[Scored]:
    given = graphs(autoact=planner) if planner else graphs()
    (result,) = play_methods(run, asked or trial(run), [AUTOACT], Silent(), given)
    return list(result.records)


def test_every_question_is_played_scored_and_kept(run: RunFolder, team: Any) -> None:
    planner, model = team(GOOD)
    records = played(run, planner)
    assert [record.id for record in records] == ["peru/0", "cuba/0", "chad/0"]
    assert [round(record.reward.value, 3) for record in records] == [1, 1, 0.667]
    assert len(model.calls) == CALLS * 3
    assert [pair.id for pair in Store(trial(run).folder / "questions.jsonl", QAPair)] == ["peru", "cuba", "chad"]


def test_no_prompt_holds_a_gold_answer(run: RunFolder, team: Any) -> None:
    planner, model = team(dict.fromkeys(GOOD, "unknown"))
    played(run, planner)
    seen = " ".join(str(message.text) for call in model.calls for message in call)
    assert not any(gold in seen for gold in ("Lima", "Havana", "Chari"))


def test_a_finished_evaluation_asks_for_no_model_and_writes_no_second_log(run: RunFolder, team: Any) -> None:
    first = played(run, team(GOOD)[0])
    log = trial(run).logs() / "autoact.eval"
    written = log.stat().st_mtime_ns
    assert played(run, None) == first
    assert log.stat().st_mtime_ns == written


def test_a_killed_evaluation_plays_what_is_missing_and_nothing_twice(run: RunFolder, team: Any) -> None:
    whole = played(run, team(GOOD)[0])
    path = trial(run).records("autoact")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\n") + 40])
    planner, model = team(GOOD)
    assert played(run, planner) == whole
    assert len(model.calls) == CALLS * 2
    assert len(Store(path, Scored)) == 3


def test_a_lost_log_is_made_again_from_the_records(run: RunFolder, team: Any) -> None:
    played(run, team(GOOD)[0])
    log = trial(run).logs() / "autoact.eval"
    log.unlink()
    played(run, None)
    assert log.exists()


def test_more_epochs_and_a_raised_limit_reuse_what_was_played(run: RunFolder, team: Any) -> None:
    planner, model = team(GOOD)
    played(run, planner, trial(run, limit=1))
    records = played(run, planner, trial(run, epochs=2))
    assert (len(records), len(model.calls)) == (6, CALLS * 6)


def test_a_changed_setting_or_question_or_corpus_is_another_folder(run: RunFolder, tmp_path: Path) -> None:
    own = load_benchmark("toy", run.task)
    folders = [trial(run).folder, trial(run, temperature=0.7).folder]
    folders.append(trial_of(run, replace(own, digest="another digest")).folder)
    (tmp_path / "corpus.jsonl").write_text('{"title": "a", "text": "b"}\n', "utf-8")
    folders.append(trial(run).folder)
    assert len(set(folders)) == len(folders)
    assert all(folder.name.startswith("toy-dev-") for folder in folders)


def test_records_of_a_retrained_team_are_never_mixed(run: RunFolder, team: Any) -> None:
    planner, _ = team(GOOD)
    played(run, planner)
    assert read_json(trial(run).folder / "autoact.settings.json")["team"]["base_hash"] == "0"
    retrained = replace(run, team=replace(run.team, adapters={"plan": "plan-1"}))
    with pytest.raises(RunError, match=r"were made under another team; remove autoact.settings.json and autoact.jsonl"):
        played(retrained, planner)


def test_the_same_team_that_notes_more_of_how_it_came_about_goes_on(run: RunFolder, team: Any) -> None:
    planner, model = team(GOOD)
    played(run, planner)
    noted = replace(run, team=replace(run.team, round=1, provenance=Provenance(packages={"torch": "9"})))
    before = len(model.calls)
    played(noted, planner)
    assert len(model.calls) == before


def test_a_name_from_a_file_cannot_leave_the_folder(run: RunFolder) -> None:
    folder = trial_of(run, Benchmark("../../x/" + "y" * 300, "", (), "d")).folder
    assert folder.parent == run.path / "eval"
    assert len(folder.name) < 60


def test_a_failed_model_is_an_error_and_no_wrong_answer(run: RunFolder, team: Any) -> None:
    with pytest.raises(EndpointError, match=r"1 questions could not be played .*the server is gone"):
        played(run, team({"Peru": "Lima", "Cuba": "Havana"})[0])
    assert len(Store(trial(run).records("autoact"), Scored)) == 2
    assert not (trial(run).logs() / "autoact.eval").exists()
    assert len(played(run, team(GOOD)[0])) == 3


def test_progress_says_how_it_goes(run: RunFolder, team: Any) -> None:
    heard: list[tuple[int, int, str]] = []

    class Ear(Silent):
        def advance(self, done: int, total: int, note: str = "") -> None:
            heard.append((done, total, note))

    planner, _ = team({**GOOD, "Cuba": "unknown", "Chad": "Chari River"})
    play_methods(run, trial(run), [AUTOACT], Ear(), graphs(autoact=planner))
    assert heard[0] == (0, 3, "")
    assert heard[-1] == (3, 3, "reward 0.667, 2 with reward 1")


def reported(run: RunFolder, team: Any, **options: Any) -> dict[str, Any]:
    given = graphs(zero_shot=team({**GOOD, "Peru": "Cusco"})[0], autoact=team(GOOD)[0])
    benchmark = load_benchmark("toy", run.task)
    return evaluate_methods(run, benchmark, (ZERO_SHOT, AUTOACT), Silent(), Options(**options), given).to_json()


def test_a_report_puts_methods_side_by_side_and_lies_beside_the_records(run: RunFolder, team: Any) -> None:
    data = reported(run, team)
    zero_shot, autoact = data["methods"]
    assert (zero_shot["method"], autoact["method"]) == ("zero-shot", "autoact")
    assert autoact["reward"] - zero_shot["reward"] == pytest.approx(autoact["difference"]["mean"])
    assert (trial(run).folder / "report.html").is_file()
    assert read_json(trial(run).folder / "report.json")["methods"][1]["reward"] == autoact["reward"]


def test_a_run_is_not_measured_on_what_it_learned_from_unless_asked_to(run: RunFolder, team: Any) -> None:
    path = run.path / "questions.jsonl"
    path.write_text('{"id": "q", "question": "what is capital of PERU", "answer": "Lima"}\n', "utf-8")
    with pytest.raises(RunError, match="1 of 3 questions of toy were learned from"):
        reported(run, team)
    assert not (run.path / "eval").exists()
    assert reported(run, team, allow_contaminated=True)["contaminated"] == ["peru"]


def test_too_few_demonstrations_are_said_before_anything_is_played(run: RunFolder) -> None:
    few_shot = next(method for method in METHODS if method.id == "few-shot")
    with pytest.raises(UserError, match="give a file of demonstrations with --shots"):
        evaluate_methods(run, load_benchmark("toy", run.task), [few_shot], Silent(), Options(), graphs())


def test_a_limit_takes_as_many_of_each_level_and_a_higher_one_holds_a_lower() -> None:
    pairs = [QAPair(f"q{n}", "?", "a", level="easy" if n < 6 else "hard") for n in range(9)]
    assert [pair.id for pair in of_each_level(pairs, 4)] == ["q0", "q1", "q6", "q7"]
    assert [pair.id for pair in of_each_level(pairs, 8)] == ["q0", "q1", "q2", "q3", "q4", "q6", "q7", "q8"]
    assert of_each_level(pairs, None) == tuple(pairs)
