"""Methods side by side on the same questions, for tables, pages and machines.

    report = compare(measured, [Played(method, records, tool_calls, log), …], against="zero-shot")
    report.to_json()        # what `autoact eval --json` prints and report.json holds

{"benchmark": "atlas", "split": "dev", "questions": 120, "epochs": 3, "against": "zero-shot", …,
 "methods": [{"method": "zero-shot", "reward": 0.28, "interval": [0.21, 0.37], …, "difference": null},
             {"method": "autoact", "reward": 0.75, …, "difference": {"to": "zero-shot", "mean": 0.47, …}}],
 "floors": [{"name": "random", …}, …], "paper": [], "made_under": {"settings": {…}, "versions": {…}, …}}

eval/html.py makes a page of it, cli/eval_tables.py the tables on the screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoact.core.records import QAPair, Scored, to_json
from autoact.core.versions import OURS, installed
from autoact.eval.costs import Costs, costs_of
from autoact.eval.floors import Floor, floors
from autoact.eval.methods import BASELINE, Method
from autoact.eval.paper import PaperRow, paper_rows
from autoact.eval.scores import Difference, Scores, difference, score
from autoact.eval.taxonomy import failures, faults
from autoact.eval.verdicts import Reflection, judged_by

PACKAGES = (
    OURS,
    "langgraph",
    "langchain-core",
    "inspect-ai",
    "torch",
    "transformers",
    "peft",
    "numpy",
    "matplotlib",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What every method played: the questions, how often, by which seed; `settings` is all that figures depend on.

    contaminated: ids of questions that the run has learned from. notes: what a reader of the figures must know.
    folder: where the records are, and the report goes. published: whether the paper's figures stand beside these.
    """

    benchmark: str
    split: str
    pairs: tuple[QAPair, ...]
    epochs: int
    seed: int
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    contaminated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    published: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """All that one method played. `tool_calls` is as graph/tool_report.py gives it.

    log: its Inspect log, relative to what the viewer shows; empty when there is none.
    settings: what its figures alone depend on, such as its team.
    """

    method: Method
    records: Sequence[Scored]
    tool_calls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    log: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one method. `errors` are the plays that ended in an error, id → what it was; each counts as 0.

    reflection is None for a method that judges no answer, or is told by the gold one.
    """

    method: str
    about: str
    oracle: bool
    scores: Scores
    difference: Difference | None
    costs: Costs
    reflection: Reflection | None
    failures: Mapping[str, int]
    faults: Mapping[str, int]
    statuses: Mapping[str, int]
    tool_calls: Mapping[str, Mapping[str, Any]]
    errors: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """One object, the overall figures at its top."""
        record = to_json(self)
        scores = record.pop("scores")
        return {"method": record.pop("method"), **scores.pop("overall"), **scores, **record}


@dataclass(frozen=True, slots=True)
class Report:
    """A comparison; `against` is the method of the paired differences."""

    measured: Measured
    played: tuple[Played, ...]
    against: str
    rows: tuple[Row, ...]
    floors: tuple[Floor, ...]
    paper: tuple[PaperRow, ...]

    @property
    def page(self) -> Path:
        """Where eval/html.py puts the page."""
        return self.measured.folder / "report.html"

    def to_json(self) -> dict[str, Any]:
        """What `autoact eval --json` prints and report.json holds."""
        measured = self.measured
        return {
            "benchmark": measured.benchmark,
            "split": measured.split,
            "questions": len(measured.pairs),
            "epochs": measured.epochs,
            "temperature": measured.settings.get("temperature"),
            "against": self.against,
            "contaminated": list(measured.contaminated),
            "notes": list(measured.notes),
            "records": str(measured.folder),
            "report": str(self.page),
            "methods": [row.to_json() for row in self.rows],
            "floors": [to_json(floor) for floor in self.floors],
            "paper": [to_json(row) for row in self.paper],
            "made_under": self.made_under(),
        }

    def made_under(self) -> dict[str, Any]:
        """Seed, settings (hashes of models and adapters among them), and versions of what made the report."""
        own = {played.method.id: dict(played.settings) for played in self.played if played.settings}
        return {
            "seed": self.measured.seed,
            "settings": dict(self.measured.settings),
            "methods": own,
            "versions": installed(PACKAGES),
        }


def compare(measured: Measured, played: Sequence[Played], against: str = BASELINE) -> Report:
    """The report of everything played; differences are to `against`, if it was played too."""
    others = next((list(each.records) for each in played if each.method.id == against), None)
    return Report(
        measured=measured,
        played=tuple(played),
        against=against if others else "",
        rows=tuple(_row(each, measured, against, others) for each in played),
        floors=floors(measured.pairs),
        paper=paper_rows(measured.benchmark) if measured.published else (),
    )


def _row(played: Played, measured: Measured, against: str, others: Sequence[Scored] | None) -> Row:
    # They may lie on disk, to be read whenever they are gone through.
    method, records, pairs = played.method, list(played.records), measured.pairs
    compared = others is not None and method.id != against
    return Row(
        method=method.id,
        about=method.about,
        oracle=method.oracle,
        scores=score(records, pairs),
        difference=difference(records, others, pairs, against, measured.seed) if others and compared else None,
        costs=costs_of(records),
        reflection=None if method.oracle else judged_by(records, pairs),
        failures=failures(records),
        faults=faults(records),
        statuses=dict(Counter(record.trajectory.status for record in records)),
        tool_calls=played.tool_calls,
        errors={record.id: record.trajectory.error for record in records if record.trajectory.status == "error"},
    )
