"""Play a benchmark by a method, resumably, and keep every trajectory with its reward.

    RUN/eval/atlas-dev-3fa9c1d2/
        settings.json       what the figures depend on; its hash is in the folder's name
        zero-shot.jsonl     one Scored a line, appended as it ends
        autoact.jsonl

A changed setting, team or question is another folder, so old and new records are never mixed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoact.core.lock import locked
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored, to_json
from autoact.core.store import Store, write_json
from autoact.core.task import file_hash
from autoact.eval.benchmark import Benchmark
from autoact.eval.methods import Kind, Method
from autoact.graph.context import Context
from autoact.graph.run import Batch, play_into
from autoact.graph.run_folder import Planner, RunFolder, corpus_of
from autoact.models.weights import model_hash


@dataclass(frozen=True, slots=True)
class Trial:
    """What every method plays alike: the questions, how often, with which settings, into which folder."""

    pairs: tuple[QAPair, ...]
    epochs: int
    settings: Context
    seed: int
    workers: int
    folder: Path


def trial_of(run: RunFolder, benchmark: Benchmark, epochs: int, temperature: float, limit: int | None) -> Trial:
    """A trial of a run's methods on the first `limit` questions; makes its folder. Raises RunError."""
    settings = run.settings().model_copy(update={"temperature": temperature})
    depends = depends_on(run, benchmark, settings)
    digest = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:8]
    name = "-".join(part for part in (benchmark.name[:40], benchmark.split[:20], digest) if part)
    folder = run.path / "eval" / re.sub(r"[^\w.-]", "_", name)
    write_json(folder / "settings.json", depends)
    learn = run.task.learn
    return Trial(benchmark.pairs[:limit], epochs, settings, learn.seed, learn.workers, folder)


def depends_on(run: RunFolder, benchmark: Benchmark, settings: Context) -> dict[str, Any]:
    """Everything a figure depends on. Not seen: another model behind the same endpoint."""
    corpus = corpus_of(run.task)
    return {
        "benchmark": benchmark.name,
        "split": benchmark.split,
        "questions": benchmark.digest,
        "task": run.task.fingerprint(),
        "team": to_json(run.team),
        "meta-agent": _model_hash(run.task.model_spec()),
        "endpoint": run.endpoint,
        "corpus": file_hash(corpus) if corpus else "",
        **settings.model_dump(exclude={"seed"}),
    }


def evaluate(method: Method, planner: Callable[[Kind], Planner], trial: Trial, progress: Progress) -> list[Scored]:
    """The method's records on the whole trial; what is on disk is not played again.

    `planner` is called only when something is left to play. Raises EndpointError when a model failed.
    """
    progress.stage(f"evaluate {method.id}")
    with locked(trial.folder):
        store = Store(records_of(trial, method.id), Scored)
        batch = Batch(trial.pairs, trial.epochs, trial.seed, "eval", trial.settings, trial.workers)
        return play_into(store, lambda: planner(method.planner), batch, progress)


def records_of(trial: Trial, method: str) -> Path:
    """Where a method's records of a trial are."""
    return trial.folder / f"{method}.jsonl"


def _model_hash(spec: str) -> str:
    """The spec, and the hash of the weights it names when they run in this process."""
    provider, _, path = spec.partition(":")
    return f"{spec} {model_hash(path)}" if provider == "transformers" else spec
