"""The questions a method is measured on: the task's own, the paper's, or any JSONL file of the user's.

load_benchmark("atlas", task)                   # the task's own, split dev
load_benchmark("mine", task)                    # by a line of YAML in the task file: benchmarks: {mine: mine.jsonl}
load_benchmark("my_questions.jsonl", task)      # {"question": …, "answer": …[, "choices": […]]} a line
load_benchmark("hotpotqa", task, data=Path("DATA"), corpus="own", folder=Path("corpora"))

docs/benchmarks.md has the forms of the files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from autoact.core.errors import TaskError
from autoact.core.records import QAPair, to_json
from autoact.core.task import Task, is_file
from autoact.eval.hotpotqa import HOTPOTQA
from autoact.eval.paragraphs import corpus_text, write_corpus
from autoact.eval.published import DATA_VARIABLE, take
from autoact.eval.rows import Row, own_row, read_rows
from autoact.eval.scienceqa import SCIENCEQA

DEFAULT_SPLIT = "dev"
PUBLISHED = {published.name: published for published in (HOTPOTQA, SCIENCEQA)}

Searched = Literal["pooled", "own", ""]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Questions with gold answers. `split` is empty for a file; `digest` changes with any word asked or searched.

    corpus: the paragraphs of all questions, searched instead of the task's corpus. corpora: question id → those of that
    question alone. Both are empty for a benchmark without paragraphs. notes: what a reader of its figures must know.
    published: whether it was read as one of PUBLISHED, beside which the paper's figures may stand.
    """

    name: str
    split: str
    pairs: tuple[QAPair, ...]
    digest: str
    corpus: Path | None = None
    corpora: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    published: bool = False


def load_benchmark(
    name: str,
    task: Task,
    split: str = "",
    *,
    data: Path | None = None,
    corpus: Searched = "",
    folder: Path | None = None,
) -> Benchmark:
    """A benchmark by its name, or of a file. Raises TaskError naming what there is.

    The task's own come first, unless `data` says where a published one lies. `corpus` chooses what tools search of a
    benchmark with paragraphs, pooled if left out, and `folder` is where it is written.
    """
    known = name.casefold()
    if data is not None and known not in PUBLISHED:
        raise TaskError(f"--data is for --benchmark {' and '.join(PUBLISHED)}, not for {name}; leave it out")
    own = _own_split(name, task, split) if data is None else ""
    if own:
        return _benchmark(task.name.casefold(), own, read_rows([_split_file(task, own)], own_row), corpus, folder)
    if known in PUBLISHED:
        taken = take(PUBLISHED[known], data or _default_data(), split)
        return replace(_benchmark(known, split, taken.rows, corpus, folder, taken.notes), published=True)
    if not is_file(Path(name)):
        raise TaskError(f"--benchmark {name:.100} is no benchmark of this run and no file; give {_offered(task)}")
    if split:
        raise TaskError(f"--split {split} does not go with the file {name}, which has no splits; leave it out")
    return _benchmark(Path(name).stem, "", read_rows([Path(name)], own_row), corpus, folder)


def _own_split(name: str, task: Task, split: str) -> str:
    """The split that is meant, if it is one of the task's own that is meant."""
    if name.casefold() == task.name.casefold() and (task.benchmarks or name.casefold() not in PUBLISHED):
        return split or DEFAULT_SPLIT
    return name if name in task.benchmarks and not split and not is_file(Path(name)) else ""


def _split_file(task: Task, split: str) -> Path:
    if split not in task.benchmarks:
        known = ", ".join(task.benchmarks) or "none; list files under benchmarks: in the task file"
        raise TaskError(f"--split {split} is no split of {task.name}; there is {known}")
    return task.path(task.benchmarks[split])


def _default_data() -> Path | None:
    folder = os.environ.get(DATA_VARIABLE)
    return Path(folder) if folder else None


def _offered(task: Task) -> str:
    own = f"{task.name.casefold()} (splits: {', '.join(task.benchmarks) or 'none'})"
    return f"{own}, {', '.join(PUBLISHED)} or a JSONL file"


def _benchmark(
    name: str, split: str, rows: Sequence[Row], corpus: Searched, folder: Path | None, notes: tuple[str, ...] = ()
) -> Benchmark:
    pairs = tuple(row.pair for row in rows)
    words = json.dumps([to_json(pair) for pair in pairs]).encode()
    if not any(row.paragraphs for row in rows):
        if corpus:
            raise TaskError(f"--corpus {corpus} is for a benchmark with paragraphs, and {name} has none; leave it out")
        return Benchmark(name, split, pairs, _digest(words), notes=notes)
    if folder is None:
        raise ValueError(f"{name} has paragraphs: say into which folder its corpus goes")
    if corpus == "own":
        texts = [corpus_text([row]) for row in rows]
        corpora = {pair.id: write_corpus(text, folder) for pair, text in zip(pairs, texts, strict=True)}
        about = "the tools search a question's own paragraphs and no others"
        return Benchmark(name, split, pairs, _digest(words, *texts), corpora=corpora, notes=(*notes, about))
    pooled = corpus_text(rows)
    about = f"the tools search the paragraphs of all questions, {len(pooled.splitlines())} pages"
    return Benchmark(name, split, pairs, _digest(words, pooled), write_corpus(pooled, folder), notes=(*notes, about))


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\x1e".join(contents)).hexdigest()[:16]
