"""What a finished team was made of and with, for its team.json.

    made = provenance(run, task, base, adapter_paths, tools, report)
    made.data["rounds/00/kept.jsonl"]     # "3fa9…"

graph/provenance.py and models/team.py compare it with what is there when the team is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool

from autoact.core.records import Provenance, Team
from autoact.core.task import Task, file_hash
from autoact.core.versions import OURS, installed
from autoact.models.weights import adapter_hash, template_hash
from autoact.prompts.fingerprint import prompt_hashes
from autoact.tools.fingerprint import card_hashes, origins

PACKAGES = (OURS, "torch", "transformers", "peft", "trl", "accelerate", "langgraph", "langchain-core")
DATA = ("instruct.jsonl", "questions.jsonl", "tools.json", "selection/*.jsonl", "rounds/*/*.jsonl")


def provenance(
    run: Path, task: Task, base: str, adapters: Iterable[str], tools: Sequence[BaseTool], report: Mapping[str, Any]
) -> Provenance:
    """The provenance of a run's team, whose adapters lie at those paths within the run folder."""
    return Provenance(
        template=template_hash(base),
        prompts=prompt_hashes(),
        adapters=_adapters(run, adapters),
        tools=card_hashes(tools),
        origins=origins(tools),
        data=_files(run, DATA),
        seeds={"run": task.learn.seed},
        packages=installed(PACKAGES),
        metrics=_metrics(report),
    )


def provenance_beside(team: Team, run: Path, adapters: Iterable[str], name: str) -> Provenance:
    """That of the team `name`, trained for comparison from what the run of `team` has played; nothing is measured."""
    own = team.provenance
    return replace(
        own,
        adapters=_adapters(run, adapters),
        data={**own.data, **_files(run, [f"teams/{name}/*.jsonl"])},
        packages=installed(PACKAGES),
        metrics={},
    )


def _adapters(run: Path, paths: Iterable[str]) -> dict[str, str]:
    return {path: adapter_hash(run / path) for path in sorted(set(paths))}


def _files(run: Path, patterns: Iterable[str]) -> dict[str, str]:
    """Path within the run → sha256 of each file."""
    found = sorted(path for pattern in patterns for path in run.glob(pattern))
    return {path.relative_to(run).as_posix(): file_hash(path) for path in found}


def _metrics(report: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a run's report that say how good its team may be."""
    played, losses = report["trajectories"], report["held_out_losses"]
    dev = [each["dev"] for each in report.get("rounds", ()) if each.get("dev") is not None]
    return {
        "kept": played["kept"],
        "mean_reward": played["mean_reward"],
        "held_out_losses": {role: line.get(role) for role, line in losses.items()},
        "dev_rewards": dev,  # by round
    }
