"""A benchmark is read whole and checked before anything is played."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoact.core.errors import RunError, TaskError
from autoact.core.records import QAPair
from autoact.eval.benchmark import contaminated, learned_from, load_benchmark, refuse_contaminated
from autoact.graph.run_folder import RunFolder


def test_the_tasks_own_benchmark_goes_by_its_name_and_split(run: RunFolder) -> None:
    benchmark = load_benchmark("toy", run.task)
    assert (benchmark.name, benchmark.split) == ("toy", "dev")
    assert [pair.id for pair in benchmark.pairs] == ["peru", "cuba", "chad"]


def test_a_file_is_a_benchmark_and_its_digest_changes_with_its_words(run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "q?", "answer": "a"}\n', "utf-8")
    before = load_benchmark(str(path), run.task)
    assert (before.name, before.split, before.pairs[0].id) == ("mine", "", "mine-1")
    path.write_text('{"question": "q?", "answer": "b"}\n', "utf-8")
    assert load_benchmark(str(path), run.task).digest != before.digest


def test_an_unknown_name_lists_what_there_is(run: RunFolder) -> None:
    with pytest.raises(TaskError, match=r"nope is no benchmark .* give toy \(splits: dev\) or a JSONL file"):
        load_benchmark("nope", run.task)


def test_an_unknown_split_lists_the_splits(run: RunFolder) -> None:
    with pytest.raises(TaskError, match="--split train is no split of Toy; there is dev"):
        load_benchmark("Toy", run.task, "train")


def test_a_split_of_a_file_is_refused(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="which has no splits"):
        load_benchmark(str(tmp_path / "dev.jsonl"), run.task, "dev")


BAD_LINES = [
    ("{", "line 1 is not JSON"),
    ("[]", "line 1: must be an object"),
    ('{"question": "q?"}', "line 1: field 'answer' is missing"),
    ('{"question": "q?", "answer": 3}', "line 1: field 'answer' has a value of the wrong type"),
    ('{"question": " ", "answer": "a"}', "line 1: question and answer must not be empty"),
    ("", "holds no question"),
    ('{"question": "q?", "answer": "c", "choices": ["a", "b"]}', "the answer 'c' is none of the choices"),
]


@pytest.mark.parametrize(("line", "says"), BAD_LINES)
def test_a_bad_line_is_named(line: str, says: str, run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line + "\n", "utf-8")
    with pytest.raises(TaskError, match=says):
        load_benchmark(str(path), run.task)


def test_an_answer_may_name_its_choice_by_letter(run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "choices.jsonl"
    item = {"question": "q?", "answer": "(B)", "choices": ["gas", "solid"]}
    path.write_text(json.dumps(item), "utf-8")
    assert load_benchmark(str(path), run.task).pairs[0].choices == ("gas", "solid")


def test_questions_that_were_learned_from_are_found_whatever_their_form(run: RunFolder) -> None:
    benchmark = load_benchmark("toy", run.task)
    assert contaminated(benchmark, learned_from(run)) == ()
    learned = [*learned_from(run), QAPair("x", "what is THE capital of  Cuba", "Havana")]
    assert contaminated(benchmark, learned) == ("cuba",)


def test_a_contaminated_benchmark_is_refused_by_name(run: RunFolder) -> None:
    benchmark = load_benchmark("toy", run.task)
    refuse_contaminated(benchmark, ())
    with pytest.raises(RunError, match=r"1 of 3 questions of toy were learned from, such as cuba: 'What is"):
        refuse_contaminated(benchmark, ("cuba",))
