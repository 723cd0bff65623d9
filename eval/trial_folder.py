"""The folder of a trial: what every method plays alike, and where its records are.

    RUN/eval/atlas-dev-3fa9c1d2/
        settings.json           what the figures of every method depend on; its hash is in the folder's name
        questions.jsonl         the questions
        autoact.jsonl           one Scored a line, appended as it ends
        autoact.settings.json   what the figures of this method alone depend on
        logs/autoact.eval       the Inspect log of the same, and what it covers in autoact.json
        shards/2-of-4/          what one of several machines played, a folder like this one
        report.html, report.json

A changed setting or question is another folder and a retrained team is refused, so that old and new records are never
mixed. Epochs and the number of questions change nothing that was played: asking for more plays the new ones only.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoact.core.errors import RunError
from autoact.core.records import Demonstration, QAPair, Team, to_json
from autoact.core.shard import Shard
from autoact.core.store import Store, read_json, write_json
from autoact.core.task import file_hash
from autoact.eval.benchmark import Benchmark
from autoact.eval.methods import Method
from autoact.graph.context import Context
from autoact.graph.run_folder import META, RunFolder, corpus_of
from autoact.models.weights import model_hash


@dataclass(frozen=True, slots=True)
class Trial:
    """What every method plays alike; `settings` is as its settings.json.

    contaminated: ids of questions that the run has learned from, which it is measured on nevertheless.
    """

    benchmark: Benchmark
    pairs: tuple[QAPair, ...]
    epochs: int
    context: Context
    shots: tuple[Demonstration, ...]
    seed: int
    workers: int
    folder: Path
    settings: Mapping[str, Any]
    contaminated: tuple[str, ...] = ()

    def records(self, method: str) -> Path:
        """Where a method's records are."""
        return self.folder / f"{method}.jsonl"

    def logs(self) -> Path:
        """What the viewer shows."""
        return self.folder / "logs"

    def shard(self, shard: Shard) -> Trial:
        """The trial of one machine, in a folder of its own."""
        return replace(self, pairs=shard.share(self.pairs), folder=self.folder / "shards" / shard.name)


def trial_of(
    run: RunFolder,
    benchmark: Benchmark,
    epochs: int = 1,
    temperature: float = 0.0,
    limit: int | None = None,
    shots: tuple[Demonstration, ...] = (),
) -> Trial:
    """A trial of a run's methods on `limit` questions, as many of each level; nothing is written. Raises RunError."""
    context = run.settings().model_copy(update={"temperature": temperature})
    settings = _settings(run, benchmark, context)
    name = "-".join(part for part in (benchmark.name[:40], benchmark.split[:20], _digest(settings)[:8]) if part)
    folder = run.path / "eval" / re.sub(r"[^\w.-]", "_", name)
    learn = run.task.learn
    return Trial(
        benchmark,
        of_each_level(benchmark.pairs, limit),
        epochs,
        context,
        shots,
        learn.seed,
        learn.workers,
        folder,
        settings,
    )


def of_each_level(pairs: Sequence[QAPair], limit: int | None) -> tuple[QAPair, ...]:
    """The first questions of every level, `limit` in all; more hold the same ones and others."""
    number: Counter[str] = Counter()
    turn = {}
    for pair in pairs:
        turn[pair.id] = number[pair.level]
        number[pair.level] += 1
    chosen = {pair.id for pair in sorted(pairs, key=lambda pair: turn[pair.id])[:limit]}
    return tuple(pair for pair in pairs if pair.id in chosen)


def method_settings(run: RunFolder, method: Method, trial: Trial) -> dict[str, Any]:
    """What the figures of one method depend on beside the trial's settings."""
    shots = [to_json(shot) for shot in trial.shots[: method.shots]]
    return {
        "speakers": method.speakers,
        "team": None if method.speakers == META else _playing(run.team_of(method.speakers)),
        "shots": f"{len(shots)}, {_digest(shots)[:16]}" if shots else "none",
        "trials": method.trials,
        "oracle": method.oracle,
        **method.settings,
    }


def _playing(team: Team) -> dict[str, Any]:
    """A team as far as figures depend on it: how it came about is not part of that."""
    return {name: value for name, value in to_json(team).items() if name not in ("provenance", "round")}


def write_settings(trial: Trial, methods: Mapping[str, Mapping[str, Any]]) -> None:
    """Write down the settings of a trial and of its methods. Raises RunError when the folder's are others."""
    _note(trial.folder / "settings.json", trial.settings)
    for method, settings in methods.items():
        _note(trial.records(method).with_suffix(".settings.json"), settings)


def write_questions(trial: Trial) -> None:
    """Write down the questions beside what was played of them."""
    questions = Store(trial.folder / "questions.jsonl", QAPair)
    questions.append(*(pair for pair in trial.pairs if pair.id not in questions))


def _note(path: Path, settings: Mapping[str, Any]) -> None:
    written = json.loads(json.dumps(settings))
    if not path.exists():
        write_json(path, written)
    elif (before := read_json(path)) != written:
        changed = ", ".join(name for name in {**before, **written} if before.get(name) != written.get(name))
        records = path.name.replace(".settings.json", ".jsonl")
        raise RunError(
            f"the records beside {path} were made under another {changed}; "
            f"remove {path.name} and {records} to play again"
        )


def _settings(run: RunFolder, benchmark: Benchmark, context: Context) -> dict[str, Any]:
    """Everything that the figures of all methods depend on. Not seen: another model behind the same endpoint."""
    corpus = corpus_of(run.task)
    return {
        "benchmark": benchmark.name,
        "split": benchmark.split,
        "questions": benchmark.digest,
        "paragraphs": "own" if benchmark.corpora else "pooled" if benchmark.corpus else "",
        "task": run.task.fingerprint(),
        "meta-agent": _model_hash(run.task.model_spec()),
        "endpoint": run.endpoint,
        "corpus": file_hash(corpus) if corpus and not (benchmark.corpus or benchmark.corpora) else "",
        **context.model_dump(exclude={"seed"}),
    }


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _model_hash(spec: str) -> str:
    """The spec, and the hash of the weights it names when they run in this process."""
    provider, _, path = spec.partition(":")
    return f"{spec} {model_hash(path)}" if provider == "transformers" else spec
