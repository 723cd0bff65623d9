"""A benchmark is found by its name or file, read whole, and checked before anything is played."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoact.core.errors import TaskError
from autoact.eval.benchmark import load_benchmark
from autoact.graph.run_folder import RunFolder


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOACT_DATA", raising=False)


def test_the_tasks_own_benchmark_goes_by_its_name_and_split(run: RunFolder) -> None:
    benchmark = load_benchmark("toy", run.task)
    assert (benchmark.name, benchmark.split) == ("toy", "dev")
    assert [pair.id for pair in benchmark.pairs] == ["peru", "cuba", "chad"]


def test_a_line_of_yaml_is_a_benchmark_by_its_own_name_too(run: RunFolder) -> None:
    assert load_benchmark("dev", run.task) == load_benchmark("toy", run.task, "dev")


def test_a_file_goes_before_a_split_of_its_name(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev").write_text('{"question": "q?", "answer": "Lima"}\n', "utf-8")
    assert [pair.id for pair in load_benchmark("dev", run.task).pairs] == ["dev-1"]


def test_a_file_is_a_benchmark_and_its_digest_changes_with_its_words(run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "q?", "answer": "Lima"}\n', "utf-8")
    before = load_benchmark(str(path), run.task)
    assert (before.name, before.split, before.pairs[0].id) == ("mine", "", "mine-1")
    path.write_text('{"question": "q?", "answer": "b"}\n', "utf-8")
    assert load_benchmark(str(path), run.task).digest != before.digest


def test_a_benchmark_without_paragraphs_searches_the_tasks_corpus(run: RunFolder) -> None:
    benchmark = load_benchmark("toy", run.task)
    assert (benchmark.corpus, benchmark.corpora, benchmark.notes) == (None, {}, ())
    with pytest.raises(TaskError, match="--corpus own is for a benchmark with paragraphs, and toy has none"):
        load_benchmark("toy", run.task, corpus="own")


def test_an_unknown_name_lists_what_there_is(run: RunFolder) -> None:
    says = r"nope is no benchmark .* give toy \(splits: dev\), hotpotqa, scienceqa or a JSONL file"
    with pytest.raises(TaskError, match=says):
        load_benchmark("nope", run.task)


def test_a_file_named_as_a_published_benchmark_is_none(run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "hotpotqa.jsonl"
    path.write_text('{"question": "q?", "answer": "Lima"}\n', "utf-8")
    benchmark = load_benchmark(str(path), run.task)
    assert (benchmark.name, benchmark.published) == ("hotpotqa", False)


def test_a_name_too_long_for_a_file_is_no_benchmark(run: RunFolder) -> None:
    with pytest.raises(TaskError, match=r"--benchmark x{100} is no benchmark of this run and no file"):
        load_benchmark("x" * 5000, run.task)


def test_an_unknown_split_lists_the_splits(run: RunFolder) -> None:
    with pytest.raises(TaskError, match="--split train is no split of Toy; there is dev"):
        load_benchmark("Toy", run.task, "train")


def test_a_split_of_a_file_is_refused(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="which has no splits"):
        load_benchmark(str(tmp_path / "dev.jsonl"), run.task, "dev")


def test_data_goes_with_a_published_benchmark_only(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="--data is for --benchmark hotpotqa and scienceqa, not for toy"):
        load_benchmark("toy", run.task, data=tmp_path)


BAD_LINES = [
    ("{", "line 1 is not JSON"),
    ("[]", "line 1: must be an object"),
    ('{"question": "q?"}', "line 1: field 'answer' is missing"),
    ('{"question": "q?", "answer": 3}', "line 1: field 'answer' has a value of the wrong type"),
    ('{"question": " ", "answer": "Lima"}', "line 1: question and answer must not be empty"),
    ("", "holds no question"),
    ('{"question": "q?", "answer": "c", "choices": ["a", "b"]}', "line 1: the answer 'c' is none of the choices"),
    ('{"id": "x", "question": "q?", "answer": "Lima"}\n' * 2, "line 2: id 'x' is used twice"),
    ('{"question": "q?", "answer": "The"}', "line 1: no answer would be right, not even 'The' itself"),
    ('{"question": "q?", "answer": "?!"}', "line 1: no answer would be right, not even"),
    ('{"id": " ", "question": "q?", "answer": "Lima"}', "line 1: the id ' ' is empty or cannot be shown"),
    ('{"id": "a\\n", "question": "q?", "answer": "Lima"}', "line 1: the id .* is empty or cannot be shown"),
    ('{"question": "q?", "answer": "b", "choices": ["", "b"]}', "line 1: a choice is empty"),
]


@pytest.mark.parametrize(("line", "says"), BAD_LINES)
def test_a_bad_line_is_named(line: str, says: str, run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line + "\n", "utf-8")
    with pytest.raises(TaskError, match=f"bad.jsonl {says}"):
        load_benchmark(str(path), run.task)


def test_an_answer_may_name_its_choice_by_letter(run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "choices.jsonl"
    item = {"question": "q?", "answer": "(B)", "choices": ["gas", "solid"]}
    path.write_text(json.dumps(item), "utf-8")
    assert load_benchmark(str(path), run.task).pairs[0].choices == ("gas", "solid")
