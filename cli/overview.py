"""What the files of a run folder say, also while it is learned: one JSON object, which tables and pages are made of.

    seen = overview(Path("runs/atlas"), samples=2)
    seen["rounds"][0]["dropped"]            # {"reward below 1": 912, "a loop": 3}

A file that is not there yet counts as empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoact.core.records import QAPair
    from autoact.core.store import Store
    from autoact.training.self_instruct import Round


def overview(run: Path, samples: int = 2) -> dict[str, Any]:
    """What a run has brought so far, with so many samples of each kind. Raises RunError when the folder is no run."""
    from autoact.cli.samples import samples_of
    from autoact.core.budget import Spending
    from autoact.core.records import QAPair, to_json
    from autoact.core.store import Store
    from autoact.graph.run_folder import read_task
    from autoact.training.diversity import diversity_curve
    from autoact.training.self_instruct import Round

    task = read_task(run)
    spending = Spending(run / "spent.json")
    written = list(Store(run / "instruct.jsonl", Round))
    questions = Store(run / "questions.jsonl", QAPair)
    folders = sorted(path for path in (run / "rounds").glob("*") if path.name.isdecimal() and path.is_dir())
    rounds = [round_of(folder) for folder in folders]
    asked_first = sum(len(each.pairs) for each in written if each.learning == 0)
    report, selection = _json(run / "report.json", {}), _json(run / "tools.json", {})
    return {
        "run": str(run),
        "task": task.name,
        "finished": (run / "team.json").exists(),
        "costs": {stage: to_json(spending.spent(stage)) for stage in spending.seconds},
        "questions": questions_of(written, task.learn.questions * max(1, len(rounds)), questions, folders),
        "diversity": [to_json(point) for point in diversity_curve(written)],
        "tools": selection.get("tools", []),
        "selection": {name: selection.get(name, "") for name in ("reason", "fallback", "tried")},
        "trajectories": _in_all(rounds, task.learn.samples * min(asked_first, task.learn.questions)),
        "rounds": rounds,
        "tool_calls": _summed([each["tool_calls"] for each in rounds]),
        "engine": _json(run / "engine.json", None),
        "adapters": _adapters(run, rounds),
        "held_out_losses": report.get("held_out_losses", {}),
        "evaluations": evaluations(run),
        "samples": samples_of(folders, written, questions, samples),
        "provenance": _provenance(run),
    }


def round_of(folder: Path) -> dict[str, Any]:
    """What one round has brought."""
    from autoact.core.records import ROLES, Example, Preference, Scored
    from autoact.core.store import Store
    from autoact.graph.tool_report import tool_report
    from autoact.training.filtering import Dropped
    from autoact.training.verification import Verified

    played = Store(folder / "trajectories.jsonl", Scored)
    kept = Store(folder / "kept.jsonl", Scored)
    dev = [scored.reward.value for scored in Store(folder / "dev.jsonl", Scored)]
    examples = {role: Store(folder / f"{role}.jsonl", Example) for role in ROLES}
    pairs = {role: len(Store(folder / f"{role}.pairs.jsonl", Preference)) for role in ROLES}
    return {
        "round": int(folder.name),
        "played": len(played),
        "questions": len({scored.trajectory.question_id for scored in played}),
        "reward": _mean([scored.reward.value for scored in played]),
        "right": sum(scored.reward.value == 1 for scored in played),
        "status": dict(Counter(scored.trajectory.status for scored in played)),
        "verified": dict(Counter(each.verdict for each in Store(folder / "verified.jsonl", Verified))),
        "kept": len(kept),
        "dropped": dict(Counter(each.reason for each in Store(folder / "dropped.jsonl", Dropped)).most_common()),
        "examples": {role: _counted([item.held_out for item in items]) for role, items in examples.items() if items},
        "pairs": {role: count for role, count in pairs.items() if count},
        "adapters": _json(folder / "adapters.json", {}),
        "preferred": _json(folder / "preferred.json", {}),
        "dev": _mean(dev),
        "dev_questions": len(dev),
        "tool_calls": tool_report((scored.trajectory for scored in played), folder / "trajectories.jsonl"),
    }


def questions_of(
    written: Sequence[Round], wanted: int, questions: Store[QAPair], folders: Sequence[Path]
) -> dict[str, Any]:
    """How many pairs were written, and how many of them every stage let through.

    verdicts: of the last round that a question was played in; solved: those with a trajectory that was kept.
    """
    from autoact.core.records import Scored
    from autoact.core.store import Store
    from autoact.training.gate import REASONS
    from autoact.training.verification import HOLDING, Verified

    last = {each.id: each.verdict for folder in folders for each in Store(folder / "verified.jsonl", Verified)}
    plays = (scored.trajectory for folder in folders for scored in Store(folder / "kept.jsonl", Scored))
    verdicts = Counter[str](last.values())
    return {
        "wanted": wanted,
        "rounds": len(written),
        **{step: sum(getattr(each, step) for each in written) for step in ("generated", "parsed", "unique")},
        "written": sum(len(each.pairs) for each in written),
        "taken": len(questions),
        "verified": sum(verdicts[each] for each in HOLDING),
        "solved": len({played.question_id for played in plays}),
        "verdicts": dict(verdicts),
        **{reason: sum(getattr(each, reason) for each in written) for reason in REASONS},
    }


def evaluations(run: Path) -> list[dict[str, Any]]:
    """The team's reward in each finished evaluation of the run; `contaminated` counts questions learned from."""
    found = []
    for path in sorted((run / "eval").glob("*/report.json")):
        report = _json(path, {})
        for method in report["methods"]:
            if method["method"] == "autoact":
                name = f"{report['benchmark']} {report['split']}".strip()
                figures = {field: method[field] for field in ("reward", "interval")}
                counted = {"questions": report["questions"], "contaminated": len(report["contaminated"])}
                found.append({"benchmark": name, **counted, **figures})
    return found


def _in_all(rounds: Sequence[Mapping[str, Any]], first: int) -> dict[str, Any]:
    """The trajectories of all rounds; how many a later round is to play is known when it has played them."""
    played = sum(each["played"] for each in rounds)
    reward = sum(each["reward"] * each["played"] for each in rounds if each["played"])
    later = sum(each["played"] for each in rounds[1:])
    return {
        "wanted": first + later,
        "played": played,
        "reward": reward / played if played else None,
        "kept": sum(each["kept"] for each in rounds),
    }


def _summed(reports: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Tool calls of all rounds; the times are those of the last one that knows them."""
    names = sorted({name for report in reports for name in report})
    summed: dict[str, dict[str, Any]] = {name: {} for name in names}
    for report in reports:
        for name, counts in report.items():
            into = summed[name]
            times = {key: value for key, value in counts.items() if isinstance(value, float)}
            into |= {key: into.get(key, 0) + value for key, value in counts.items() if key not in times} | times
    return summed


def _adapters(run: Path, rounds: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Role → the folder of the team's adapter; of an unfinished run, those of the last round that has any."""
    if (run / "team.json").exists():
        return dict(_team(run).adapters)
    trained: Mapping[str, Any] = next((each["adapters"] for each in reversed(rounds) if each["adapters"]), {})
    return {role: str(adapter["path"]) for role, adapter in trained.items()}


def _provenance(run: Path) -> dict[str, Any]:
    """What the team notes of itself, and what is not so any more."""
    from autoact.core.records import Provenance, to_json
    from autoact.graph.provenance import differences

    if not (run / "team.json").exists():
        return {}
    team = _team(run)
    noted = team.provenance != Provenance()
    made = {"base": team.base, "base_hash": team.base_hash, "round": team.round, "noted": noted}
    return {**made, **to_json(team.provenance), "differences": differences(run, team)}


def _team(run: Path) -> Any:
    from autoact.core.records import Team
    from autoact.core.store import read_record

    return read_record(run / "team.json", Team)


def _counted(held_out: Sequence[bool]) -> dict[str, int]:
    return {"trained_on": len(held_out) - sum(held_out), "held_out": sum(held_out)}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _json(path: Path, otherwise: Any) -> Any:
    from autoact.core.store import read_json

    return read_json(path) if path.exists() else otherwise
