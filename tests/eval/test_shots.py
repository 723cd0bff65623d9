"""Demonstrations come from a checked file or from what the run kept, the same ones each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import RunError, TaskError
from autoact.core.records import Demonstration, QAPair, Question, Reward, Scored, Step, Trajectory
from autoact.core.store import Store
from autoact.eval.shots import check_shots, load_shots, shots_of
from autoact.graph.run_folder import RunFolder

OPEN = Step("I open Mali.", "Retrieve", "Mali", "Mali is in Africa.")
LOOK = Step("I look.", "Lookup", "capital", "Bamako.")
DONE = Step("I know.", "Finish", "Bamako")
RIGHT = Step("It says so.", "Reflect", "right")
FAILED = Step("I open it.", "Retrieve", "Male", "No page.", ok=False)

LINE: dict[str, Any] = {
    "question": "What is the capital of Mali?",
    "answer": "Bamako",
    "steps": [
        {"thought": "I open Mali.", "tool": "Retrieve", "argument": "Mali", "observation": "Mali is in Africa."},
        {"thought": "I know.", "tool": "Finish", "argument": "bamako"},
    ],
}
FINISH = LINE["steps"][1]


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def kept(run: RunFolder, name: str, *steps: Step, reward: float = 1.0, sample: int = 0, shortened: int = 0) -> None:
    """Note that the run kept a trajectory of its question `name`."""
    questions = Store(run.path / "questions.jsonl", QAPair)
    if name not in questions:
        questions.append(QAPair(name, f"What is {name}?", "Bamako", origin="synthetic"))
    usage = {"plan": {"shortened": shortened}}
    trajectory = Trajectory(f"{name}/{sample}", name, steps, "Bamako", "answered", usage=usage)
    Store(run.path / "rounds" / "00" / "kept.jsonl", Scored).append(Scored(trajectory, Reward(reward, reward == 1)))


def test_a_file_holds_a_demonstration_a_line(tmp_path: Path) -> None:
    (shot,) = load_shots(written(tmp_path / "shots.jsonl", LINE))
    assert (shot.question, shot.answer) == (Question("What is the capital of Mali?"), "Bamako")
    assert [step.tool for step in shot.steps] == ["Retrieve", "Finish"]


BAD_LINES: list[tuple[Any, str]] = [
    ([], "must be an object"),
    ({**LINE, "answer": ""}, "question and answer must not be empty"),
    ({**LINE, "choices": ["gas", "solid"]}, "the answer 'Bamako' is none of the choices"),
    ({**LINE, "steps": []}, "steps must be a list"),
    ({**LINE, "steps": [{"tool": "Finish", "argument": "x"}]}, "field 'thought' is missing"),
    ({**LINE, "steps": LINE["steps"][:1]}, "steps must end in their only Finish"),
    ({**LINE, "steps": [FINISH, FINISH]}, "steps must end in their only Finish"),
    ({**LINE, "steps": [{**FINISH, "tool": "Reflect"}, FINISH]}, "hold no Reflect"),
    ({**LINE, "steps": [{**FINISH, "argument": "Lima"}]}, "finishes with 'Lima', and the answer is another"),
]


@pytest.mark.parametrize(("line", "says"), BAD_LINES)
def test_a_bad_line_is_named(line: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=f"bad.jsonl line 2: .*{says}"):
        load_shots(written(tmp_path / "bad.jsonl", LINE, line))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="holds no demonstration"):
        load_shots(written(tmp_path / "empty.jsonl"))


def test_a_demonstration_may_only_use_the_runs_tools(tmp_path: Path) -> None:
    shots = load_shots(written(tmp_path / "shots.jsonl", LINE))
    check_shots(shots, ("Retrieve", "Lookup"))
    with pytest.raises(TaskError, match=r"uses 'Retrieve', which is no tool of the run \(Search\)"):
        check_shots(shots, ("Search",))


def test_a_kept_trajectory_is_shown_up_to_its_finish(run: RunFolder) -> None:
    kept(run, "q1", OPEN, LOOK, DONE, RIGHT)
    assert shots_of(run, 1, seed=0) == (Demonstration(Question("What is q1?"), "Bamako", (OPEN, LOOK, DONE)),)


def test_detours_and_half_right_answers_are_not_shown(run: RunFolder) -> None:
    kept(run, "failed", FAILED, OPEN, DONE, RIGHT)
    kept(run, "twice", OPEN, DONE, Step("No.", "Reflect", "wrong"), DONE, RIGHT)
    kept(run, "half", OPEN, DONE, RIGHT, reward=0.5)
    kept(run, "cut", OPEN, DONE, RIGHT, shortened=1)
    kept(run, "fine", OPEN, DONE, RIGHT)
    assert [shot.question.question for shot in shots_of(run, 1, seed=0)] == ["What is fine?"]
    with pytest.raises(RunError, match=r"has 1 trajectories that can be shown .* and 2 are needed"):
        shots_of(run, 2, seed=0)


def test_a_question_is_shown_once(run: RunFolder) -> None:
    kept(run, "q1", OPEN, DONE, RIGHT)
    kept(run, "q1", OPEN, LOOK, DONE, RIGHT, sample=1)
    kept(run, "q2", OPEN, DONE, RIGHT)
    assert len({shot.question for shot in shots_of(run, 2, seed=0)}) == 2


@pytest.mark.parametrize("seed", range(5))
def test_tools_and_lengths_differ_where_they_can(run: RunFolder, seed: int) -> None:
    for number in range(8):
        kept(run, f"short{number}", OPEN, DONE, RIGHT)
    kept(run, "long", OPEN, OPEN, DONE, RIGHT)
    kept(run, "looks", OPEN, LOOK, DONE, RIGHT)
    shots = shots_of(run, 3, seed)
    assert {step.tool for shot in shots for step in shot.steps} == {"Retrieve", "Lookup", "Finish"}
    assert {len(shot.steps) for shot in shots} == {2, 3}


def test_a_seed_chooses_the_same_and_another_seed_others(run: RunFolder) -> None:
    for number in range(20):
        kept(run, f"q{number}", OPEN, DONE, RIGHT)
    first = shots_of(run, 2, seed=0)
    assert shots_of(run, 2, seed=0) == first
    assert any(shots_of(run, 2, seed=seed) != first for seed in range(1, 5))
