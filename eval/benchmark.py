"""The questions a method is measured on: a split that the task file names, or any JSONL file of the user's.

load_benchmark("atlas", task)                   # the task's own, split dev
load_benchmark("atlas", task, split="test")
load_benchmark("my_questions.jsonl", task)      # {"question": …, "answer": …[, "choices": […]]} a line
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autoact.core.contamination import question_key, question_keys
from autoact.core.errors import RunError, TaskError
from autoact.core.records import QAPair, to_json
from autoact.core.reward import choice_index
from autoact.core.store import Store
from autoact.core.task import Task, read_questions
from autoact.graph.run_folder import RunFolder

DEFAULT_SPLIT = "dev"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Questions with gold answers. `split` is empty for a file; `digest` changes with any of its words."""

    name: str
    split: str
    pairs: tuple[QAPair, ...]
    digest: str


def load_benchmark(name: str, task: Task, split: str = "") -> Benchmark:
    """The task's own benchmark by the task's name, or a file. Raises TaskError naming what there is."""
    if name.casefold() == task.name.casefold():
        split = split or DEFAULT_SPLIT
        return _read(task.name.casefold(), split, _split_file(task, split))
    if not Path(name).is_file():
        own = f"{task.name.casefold()} (splits: {', '.join(task.benchmarks) or 'none'})"
        raise TaskError(f"--benchmark {name} is no benchmark of this run and no file; give {own} or a JSONL file")
    if split:
        raise TaskError(f"--split {split} does not go with the file {name}, which has no splits; leave it out")
    return _read(Path(name).stem, "", Path(name))


def learned_from(run: RunFolder) -> list[QAPair]:
    """What the run has learned from: the task's examples and its self-instructed questions."""
    return [*run.task.seeds(), *Store(run.path / "questions.jsonl", QAPair)]


def contaminated(benchmark: Benchmark, learned: Iterable[QAPair]) -> tuple[str, ...]:
    """The ids of the benchmark's questions that were learned from, whatever their case and punctuation."""
    keys = question_keys(pair.shown() for pair in learned)
    return tuple(pair.id for pair in benchmark.pairs if question_key(pair.shown()) in keys)


def refuse_contaminated(benchmark: Benchmark, ids: tuple[str, ...]) -> None:
    """Raises RunError, naming the first of the questions, unless there is none."""
    if ids:
        first = next(pair for pair in benchmark.pairs if pair.id == ids[0])
        raise RunError(
            f"{len(ids)} of {len(benchmark.pairs)} questions of {benchmark.name} were learned from, such as "
            f"{first.id}: {first.question!r:.120}; use others, or --allow-contaminated to report it"
        )


def _split_file(task: Task, split: str) -> Path:
    if split not in task.benchmarks:
        known = ", ".join(task.benchmarks) or "none; list files under benchmarks: in the task file"
        raise TaskError(f"--split {split} is no split of {task.name}; there is {known}")
    return task.path(task.benchmarks[split])


def _read(name: str, split: str, path: Path) -> Benchmark:
    pairs = tuple(read_questions(path))
    for pair in pairs:
        if pair.choices and choice_index(pair.answer, pair.choices) is None:
            raise TaskError(f"{path}: {pair.id}: the answer {pair.answer!r:.80} is none of the choices; correct it")
    words = json.dumps([to_json(pair) for pair in pairs]).encode()
    return Benchmark(name, split, pairs, hashlib.sha256(words).hexdigest()[:16])
