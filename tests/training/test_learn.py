"""The story end to end on the scripted META-AGENT."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoact.core.errors import RunError, TaskError
from autoact.core.progress import Silent
from autoact.core.records import ROLES, Example, QAPair, Scored
from autoact.core.store import Store
from autoact.graph.run_folder import open_run
from autoact.models.weights import model_hash
from autoact.training.filtering import Dropped
from autoact.training.learn import learn
from autoact.training.verification import Verified


def records(path: Path, kind: type[Any]) -> list[Any]:
    return list(Store(path, kind))


def test_every_question_is_played_once_and_only_reward_one_is_kept(learned: Any) -> None:
    questions = records(learned.path / "questions.jsonl", QAPair)
    played = records(learned.path / "rounds/00/trajectories.jsonl", Scored)
    kept = records(learned.path / "rounds/00/kept.jsonl", Scored)
    assert len(questions) == 40
    assert {s.trajectory.question_id for s in played} == {q.id for q in questions}
    assert {s.reward.value for s in kept} == {1.0}
    assert 0 < len(kept) < len(played)


def test_every_trajectory_is_kept_or_dropped_with_a_reason_that_the_report_counts(learned: Any) -> None:
    played = records(learned.path / "rounds/00/trajectories.jsonl", Scored)
    kept = records(learned.path / "rounds/00/kept.jsonl", Scored)
    dropped = records(learned.path / "rounds/00/dropped.jsonl", Dropped)
    assert sorted(s.id for s in played) == sorted([*(s.id for s in kept), *(d.id for d in dropped)])
    report = open_run(learned.path).report()
    assert report["trajectories"]["dropped"] == dict(Counter(d.reason for d in dropped))
    verified = records(learned.path / "rounds/00/verified.jsonl", Verified)
    assert report["verified"] == {"unchecked": len(verified)} == {"unchecked": 40}  # there is one sample of each


def test_the_questions_are_new_and_differ(learned: Any) -> None:
    questions = [q.question for q in records(learned.path / "questions.jsonl", QAPair)]
    assert len(set(questions)) == len(questions)
    assert learned.task.seeds()[0].question not in questions


def test_three_adapters_are_written_as_safetensors_named_by_their_hash(learned: Any) -> None:
    for role in ROLES:
        folder = learned.path / learned.team.adapters[role]
        assert folder.name.startswith(f"{role}-")
        assert (folder / "adapter_model.safetensors").stat().st_size > 0
        assert not list(folder.glob("*.bin"))
    assert not list((learned.path / "adapters").glob(".*"))


def test_the_base_weights_do_not_move(learned: Any, town: ModuleType) -> None:
    assert learned.base_hash == learned.team.base_hash == model_hash(town.SEED)


def test_reflection_is_trained_on_right_and_wrong_in_equal_number(learned: Any) -> None:
    examples = records(learned.path / "rounds/00/reflect.jsonl", Example)
    verdicts = [example.messages[-1].content.splitlines()[-1] for example in examples]
    assert verdicts.count("Verdict: right") == verdicts.count("Verdict: wrong") > 0


def test_held_out_questions_are_held_out_for_every_role(learned: Any) -> None:
    by_question: dict[str, set[bool]] = {}
    for role in ROLES:
        for example in records(learned.path / f"rounds/00/{role}.jsonl", Example):
            by_question.setdefault(example.id.split("/")[0], set()).add(example.held_out)
    assert all(len(flags) == 1 for flags in by_question.values())
    assert {True, False} == set.union(*by_question.values())


def test_the_report_counts_what_the_files_hold(learned: Any) -> None:
    report = open_run(learned.path).report()
    assert report["trajectories"]["kept"] == len(records(learned.path / "rounds/00/kept.jsonl", Scored))
    assert report["tools"]["tools"] == ["Retrieve"]
    assert set(report["held_out_losses"]) == set(ROLES)


def test_the_trained_team_answers_and_each_turn_names_its_adapter(learned: Any) -> None:
    run = open_run(learned.path)
    state = run.planner().invoke({"question": "Who is the mayor of Townaa?"}, context=run.settings())
    wrote = {name for step in state["steps"] for name in step["wrote"].values()}
    assert wrote
    assert wrote <= {Path(path).name for path in run.team.adapters.values()}


def test_a_finished_run_is_not_done_again(learned: Any, town: ModuleType) -> None:
    silent_model = town.meta_agent()
    assert learn(learned.task, learned.path, Silent(), silent_model) == learned.team
    assert silent_model.calls == []


def test_a_folder_with_other_files_is_refused(town: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"thesis\.tex"):
        learn(town.town_task(tmp_path), tmp_path / "run", Silent(), town.meta_agent())


def test_too_few_kept_trajectories_refuse_to_train(town: ModuleType, tmp_path: Path) -> None:
    task = town.town_task(tmp_path, questions=5, min_kept=100)
    with pytest.raises(RunError, match="are needed to train"):
        learn(task, tmp_path / "run", Silent(), town.meta_agent())


def test_a_corrupt_line_is_named_and_nothing_is_lost(learned: Any, tmp_path: Path) -> None:
    run = shutil.copytree(learned.path, tmp_path / "run")
    (run / "team.json").unlink()
    path = run / "rounds/00/trajectories.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "{broken", *lines[2:]]) + "\n")
    with pytest.raises(RunError, match=r"trajectories\.jsonl line 2"):
        learn(learned.task, run, Silent(), learned.model)
    assert len(path.read_text().splitlines()) == len(lines)


@pytest.mark.parametrize("name", ["questions", "rounds/00/trajectories", "rounds/00/kept", "rounds/00/plan"])
def test_a_record_from_another_task_is_named_and_nothing_is_lost(name: str, learned: Any, tmp_path: Path) -> None:
    run = shutil.copytree(learned.path, tmp_path / "run")
    (run / "team.json").unlink()
    path = run / f"{name}.jsonl"
    text = path.read_text()
    stranger = text.splitlines()[0].replace("q0000-", "q9999-")
    path.write_text(text + stranger + "\n")
    with pytest.raises(RunError, match=rf"{name}\.jsonl holds q9999-\S+, which is of another run"):
        learn(learned.task, run, Silent(), learned.model)
    assert path.read_text() == text + stranger + "\n"


def test_excluded_questions_never_enter_the_run(town: ModuleType, tmp_path: Path) -> None:
    task = town.town_task(tmp_path)
    barred = [f"who is  the mayor of {name}" for name in town.TOWNS[:20]]
    lines = [json.dumps({"question": question, "answer": "x"}) for question in barred]
    (tmp_path / "dev.jsonl").write_text("\n".join(lines))
    task = task.model_copy(update={"exclude": ("dev.jsonl",)})
    from autoact.training.self_instruct import Round, barred_questions, self_instruct

    questions = self_instruct(task, town.meta_agent(), barred_questions(task), tmp_path / "run", Silent())
    assert not {q.question for q in questions} & {f"Who is the mayor of {name}?" for name in town.TOWNS[:20]}
    assert sum(r.excluded for r in Store(tmp_path / "run" / "instruct.jsonl", Round)) > 0


def test_a_run_whose_selected_tool_is_gone_does_not_go_on_without_it(learned: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(learned.path, run)
    (run / "team.json").unlink()
    selection = json.loads((run / "tools.json").read_text())
    (run / "tools.json").write_text(json.dumps(selection | {"tools": [*selection["tools"], "Database"]}))
    with pytest.raises(TaskError, match="Database was selected when this run began, and needs to be on offer"):
        learn(learned.task, run, Silent(), learned.model)
