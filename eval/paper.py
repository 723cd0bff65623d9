"""The paper's own figures, to stand beside ours: another model, on other plays of the questions.

paper_rows("hotpotqa")     # Table 2 and Table 3 as fractions; () for a benchmark that is not in the paper
not_played()               # the systems of Table 1 that have no method here, and why
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autoact.core.records import from_json

BENCHMARKS = {"hotpotqa": "HotpotQA", "scienceqa": "ScienceQA"}


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row of a table of the paper, rewards in [0, 1]. `note` is what does not add up in it."""

    table: str
    backbone: str
    method: str
    levels: Mapping[str, float]
    overall: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """A system of Table 1 that no method here plays: what it would need, and what it lacks that AutoAct has."""

    system: str
    data_acquisition: str
    trajectory_acquisition: str
    planning: str
    multi_agent: bool
    fine_tuning: bool
    generality: bool
    reflection: bool
    needs: str
    lacks: str


def paper_rows(benchmark: str) -> tuple[PaperRow, ...]:
    """The paper's rows on a benchmark."""
    name, tables = BENCHMARKS.get(benchmark.casefold()), _tables()
    if name is None:
        return ()
    return (*(_main(row, name) for row in tables["table2"]), *(_ablation(row, name) for row in tables["table3"]))


def not_played() -> tuple[System, ...]:
    """The comparison rows of Table 1."""
    return tuple(from_json(System, row) for row in _tables()["not_played"])


def source() -> str:
    """Where the figures are from, and how they were measured."""
    return f"{_tables()['source']}. {_tables()['units']}."


def _main(row: Mapping[str, Any], benchmark: str) -> PaperRow:
    levels = {level: _share(value) for level, value in row[benchmark].items()}
    overall = levels.pop("all")
    key = {"backbone": row["backbone"], "method": row["method"], "dataset": benchmark}
    odd = [each["issue"] for each in _tables()["table2_inconsistencies"] if key.items() <= each.items()]
    return PaperRow("Table 2", row["backbone"], row["method"], levels, overall, "; ".join(odd))


def _ablation(row: Mapping[str, Any], benchmark: str) -> PaperRow:
    return PaperRow("Table 3", row["backbone"], f"AutoAct {row['setting']}", {}, _share(row[benchmark]))


def _share(percent: float) -> float:
    return round(percent / 100, 4)


@cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads((Path(__file__).parent / "paper_tables.json").read_text("utf-8"))
    return tables
