"""HotpotQA is read level by level; its paragraphs are what the tools search and no part of the question.

`AUTOACT_DATA=… pytest tests/eval/test_hotpotqa.py` reads the real files as well as the lines of our own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import TaskError
from autoact.core.task import Task
from autoact.eval.benchmark import Benchmark, load_benchmark
from autoact.graph.run_folder import RunFolder
from autoact.tools.corpus import load_corpus
from autoact.tools.retrieve import retrieve

MILL = ["Millford", ["Millford is a town in Norland.", " It has a mill."]]
EASY = {
    "id": "e1",
    "question": "In which country lies the town where Ada Brook was born?",
    "answer": "Norland",
    "type": "bridge",
    "level": "easy",
    "supporting_facts": [["Ada Brook", 0], ["Millford", 0]],
    "context": [["Ada Brook", ["Ada Brook was a painter.", " She was born in Millford."]], MILL, ["Empty", [" "]]],
}
HARD = {
    "id": "h1",
    "question": "Which is longer, the Tarn or the Ulle?",
    "answer": "Tarn",
    "level": "hard",
    "context": [["Tarn", ["The Tarn is 300 km long."]], ["millford", ["Another Millford."]], MILL],
}


def write(path: Path, *lines: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an easy and a hard question, and none of medium difficulty."""
    monkeypatch.delenv("AUTOACT_DATA", raising=False)
    write(tmp_path / "data/hotpotqa/easy.jsonl", EASY)
    write(tmp_path / "data/hotpotqa/hard.jsonl", HARD)
    return tmp_path / "data"


@pytest.fixture
def task(run: RunFolder) -> Task:
    return run.task


def loaded(task: Task, data: Path | None, folder: Path, **options: Any) -> Benchmark:
    return load_benchmark("hotpotqa", task, data=data, folder=folder / "corpora", **options)


def test_a_question_is_shown_without_its_paragraphs(task: Task, data: Path, tmp_path: Path) -> None:
    easy, hard = loaded(task, data, tmp_path).pairs
    assert (easy.id, easy.answer, easy.level, easy.context) == ("e1", "Norland", "easy", "")
    assert (hard.id, hard.level) == ("h1", "hard")


def test_a_folder_a_file_the_variable_and_the_tasks_own_name_all_lead_there(
    task: Task, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = loaded(task, data, tmp_path)
    assert loaded(task, data / "hotpotqa", tmp_path) == whole
    assert loaded(task, write(tmp_path / "all.jsonl", EASY, HARD), tmp_path) == whole
    monkeypatch.setenv("AUTOACT_DATA", str(data))
    assert loaded(task, None, tmp_path) == whole
    assert loaded(task.model_copy(update={"name": "HotpotQA", "benchmarks": {}}), None, tmp_path) == whole


def test_a_task_of_that_name_with_splits_means_its_own_unless_data_is_given(
    task: Task, data: Path, tmp_path: Path
) -> None:
    own = task.model_copy(update={"name": "HotpotQA"})
    assert loaded(own, None, tmp_path).split == "dev"
    assert len(loaded(own, data, tmp_path).pairs) == 2


def test_a_level_that_is_missing_is_said(task: Task, data: Path, tmp_path: Path) -> None:
    assert loaded(task, data, tmp_path).notes[0] == "easy: 1, medium: none, hard: 1 – the paper has 100 of each"


def test_a_level_is_a_split(task: Task, data: Path, tmp_path: Path) -> None:
    hard = loaded(task, data, tmp_path, split="hard")
    assert (hard.split, [pair.id for pair in hard.pairs]) == ("hard", ["h1"])
    assert hard.notes[0] == "hard: 1 – the paper has 100 of each"


def test_pooled_paragraphs_are_one_corpus_with_a_title_for_each_text(task: Task, data: Path, tmp_path: Path) -> None:
    benchmark = loaded(task, data, tmp_path)
    assert benchmark.corpus
    corpus = load_corpus(benchmark.corpus)
    assert [page.title for page in corpus.pages] == ["Ada Brook", "Millford", "Tarn", "millford (2)"]
    assert retrieve(corpus, "Millford")[0] == "Millford is a town in Norland. It has a mill."
    assert benchmark.notes[1] == "the tools search the paragraphs of all questions, 4 pages"


def test_a_corpus_of_its_own_holds_a_questions_paragraphs_alone(task: Task, data: Path, tmp_path: Path) -> None:
    benchmark = loaded(task, data, tmp_path, corpus="own")
    assert benchmark.corpus is None
    pages = {name: [page.title for page in load_corpus(path).pages] for name, path in benchmark.corpora.items()}
    assert pages == {"e1": ["Ada Brook", "Millford"], "h1": ["Tarn", "millford", "Millford (2)"]}


def test_a_corpus_is_written_once_under_its_contents_name(task: Task, data: Path, tmp_path: Path) -> None:
    first = loaded(task, data, tmp_path).corpus
    assert first
    before = first.stat().st_mtime_ns
    assert loaded(task, data, tmp_path).corpus == first
    assert first.stat().st_mtime_ns == before
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_the_digest_changes_with_the_paragraphs_and_with_what_is_searched(
    task: Task, data: Path, tmp_path: Path
) -> None:
    digests = {loaded(task, data, tmp_path).digest, loaded(task, data, tmp_path, corpus="own").digest}
    write(data / "hotpotqa/easy.jsonl", {**EASY, "context": [MILL]})
    digests |= {loaded(task, data, tmp_path).digest, loaded(task, data, tmp_path, corpus="own").digest}
    assert len(digests) == 4


def test_paragraphs_need_a_folder(task: Task, data: Path) -> None:
    with pytest.raises(ValueError, match="into which folder"):
        load_benchmark("hotpotqa", task, data=data)


BAD_LINES = [
    ({**EASY, "answer": " "}, "line 2: question and answer must not be empty"),
    ({**EASY, "answer": None}, "line 2: field 'answer' has a value of the wrong type"),
    ({**EASY, "level": "simple"}, "line 2: the level 'simple' is none of easy, medium, hard"),
    ({**EASY, "context": "Millford"}, r"line 2: the context must be a list of \[title, \[sentence"),
    ({**EASY, "context": []}, "line 2: the context holds no paragraph"),
    (HARD, "line 2: id 'h1' is used twice"),
    ([], "line 2: must be an object"),
]


@pytest.mark.parametrize(("line", "says"), BAD_LINES)
def test_a_bad_line_is_named(line: object, says: str, task: Task, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl", HARD, line)
    with pytest.raises(TaskError, match=f"bad.jsonl {says}"):
        loaded(task, path, tmp_path)


def test_a_place_without_the_files_is_told_how_to_be_given(task: Task, data: Path, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="nowhere does not exist; give --data or AUTOACT_DATA a folder or file of"):
        loaded(task, tmp_path / "nowhere", tmp_path)
    with pytest.raises(TaskError, match=r"hotpotqa holds none of medium\.jsonl; give --data or AUTOACT_DATA"):
        loaded(task, data, tmp_path, split="medium")
    with pytest.raises(TaskError, match=r"easy\.jsonl holds no question of level hard; leave out --split"):
        loaded(task, data / "hotpotqa/easy.jsonl", tmp_path, split="hard")
    with pytest.raises(TaskError, match="--split dev is no level of hotpotqa; there is easy, medium, hard"):
        loaded(task, data, tmp_path, split="dev")


FOLDERS = ["data", *([os.environ["AUTOACT_DATA"]] if "AUTOACT_DATA" in os.environ else [])]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_paragraph_of_a_question_can_be_opened_by_its_title(
    folder: str, task: Task, data: Path, tmp_path: Path
) -> None:
    pooled = loaded(task, data.parent / folder, tmp_path)
    own = loaded(task, data.parent / folder, tmp_path, corpus="own")
    assert pooled.corpus
    texts = {page.text for page in load_corpus(pooled.corpus).pages}
    for path in own.corpora.values():
        corpus = load_corpus(path)
        assert {page.text for page in corpus.pages} <= texts
        assert all(corpus.page(page.title) == page for page in corpus.pages)
