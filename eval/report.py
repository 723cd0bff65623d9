"""Methods side by side on the same questions, for tables and for machines.

{"benchmark": "atlas", "split": "dev", "questions": 120, "temperature": 0.0, "contaminated": [],
 "methods": [{"method": "zero-shot", "reward": 0.28, …, "difference": null},
             {"method": "autoact", "reward": 0.75, …, "difference": {"to": "zero-shot", "mean": 0.47, …}}]}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoact.core.progress import Progress
from autoact.core.records import Scored, to_json
from autoact.eval.benchmark import Benchmark, contaminated, learned_from, refuse_contaminated
from autoact.eval.evaluate import Trial, evaluate, records_of, trial_of
from autoact.eval.methods import BASELINE, Kind, Method
from autoact.eval.scores import Difference, Scores, difference, score
from autoact.graph.run_folder import Planner, RunFolder
from autoact.graph.tool_report import tool_report


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one method; `difference` is to the untrained META-AGENT, if that played too."""

    method: str
    scores: Scores
    difference: Difference | None
    tool_calls: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """A comparison. `contaminated` are the ids of the questions that the run has learned from."""

    benchmark: Benchmark
    trial: Trial
    contaminated: tuple[str, ...]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """What `autoact eval --json` prints."""
        return {
            "benchmark": self.benchmark.name,
            "split": self.benchmark.split,
            "questions": len(self.trial.pairs),
            "epochs": self.trial.epochs,
            "temperature": self.trial.settings.temperature,
            "contaminated": list(self.contaminated),
            "records": str(self.trial.folder),
            "methods": [_row_json(row) for row in self.rows],
        }


def report_on(
    run: RunFolder,
    benchmark: Benchmark,
    methods: Sequence[Method],
    planner: Callable[[Kind], Planner],
    progress: Progress,
    *,
    epochs: int = 1,
    temperature: float = 0.0,
    limit: int | None = None,
    allow_contaminated: bool = False,
) -> Report:
    """Play the first `limit` questions by every method, or go on with it, and compare.

    Raises RunError when the run has learned from the benchmark, unless that is allowed and then reported;
    EndpointError when a model failed, so that there is no figure.
    """
    learned = contaminated(benchmark, learned_from(run))
    if not allow_contaminated:
        refuse_contaminated(benchmark, learned)
    trial = trial_of(run, benchmark, epochs, temperature, limit)
    played = {method.id: evaluate(method, planner, trial, progress) for method in methods}
    return compare(benchmark, trial, learned, played)


def compare(
    benchmark: Benchmark, trial: Trial, learned: tuple[str, ...], played: Mapping[str, Sequence[Scored]]
) -> Report:
    """The report of everything played: method id → its records on the trial."""
    return Report(benchmark, trial, learned, tuple(_row(name, played, trial) for name in played))


def _row(name: str, played: Mapping[str, Sequence[Scored]], trial: Trial) -> Row:
    compared = name != BASELINE and BASELINE in played
    gap = difference(played[name], played[BASELINE], BASELINE, trial.seed) if compared else None
    calls = tool_report((scored.trajectory for scored in played[name]), records_of(trial, name))
    return Row(name, score(played[name], trial.pairs), gap, calls)


def _row_json(row: Row) -> dict[str, Any]:
    gap = to_json(row.difference) if row.difference else None
    return {"method": row.method, **to_json(row.scores), "difference": gap, "tool_calls": row.tool_calls}
