"""What a learning run brought, counted and measured: report.json.

report = report_of(work, lessons, best(lessons))
report["trajectories"]["kept"], report["rounds"][0]["reward"]

Beside `rounds`, which says it of each, the figures are those of the round whose team is the run's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autoact.core.records import Example
from autoact.core.store import Store, read_json
from autoact.graph.tool_report import tool_report
from autoact.training.distributed import deepspeed_file, stage_of
from autoact.training.gate import REASONS
from autoact.training.losses import held_out_losses
from autoact.training.rounds import Lesson, Work
from autoact.training.self_instruct import Round
from autoact.training.verification import counts


def report_of(work: Work, lessons: Sequence[Lesson], chosen: Lesson) -> dict[str, Any]:
    """The report of a run whose team is that of the `chosen` lesson."""
    engine = work.run / "engine.json"
    paths = {role: work.run / trained["path"] for role, trained in chosen.adapters.items()}
    # A further round may have been begun, and its questions written, before the run was ended with fewer.
    written = [each for each in Store(work.run / "instruct.jsonl", Round) if each.learning < len(lessons)]
    return {
        "questions": {
            "kept": sum(len(each.pairs) for each in written),
            "rounds": len(written),
            **{reason: sum(getattr(each, reason) for each in written) for reason in REASONS},
        },
        "tools": read_json(work.run / "tools.json"),
        **_figures(work, chosen),
        "rounds": [{"round": lesson.number, **_figures(work, lesson), "dev": lesson.reward} for lesson in lessons],
        "engine": read_json(engine) if engine.exists() else None,
        "held_out_losses": losses_of(work, chosen, paths),
    }


def losses_of(work: Work, chosen: Lesson, paths: Mapping[str, Path]) -> dict[str, dict[str, float | None]]:
    """Every role by every speaker; nothing under ZeRO-3, whose bases are too large for one GPU."""
    config = work.config
    if (file := deepspeed_file(config.deepspeed)) and stage_of(file) == 3:
        work.progress.say("held-out losses are not measured: one GPU would have to hold the whole base")
        return {}
    return held_out_losses(work.base, paths, chosen.examples, config.max_length, config.quantize)


def _figures(work: Work, lesson: Lesson) -> dict[str, Any]:
    """A round's own."""
    played = lesson.trajectories
    return {
        "verified": counts(lesson.verified),
        "trajectories": {
            "questions": len(lesson.questions),
            "played": len(played),
            "kept": len(lesson.sifted.trajectories),
            "dropped": lesson.sifted.counts(),
            "mean_reward": sum(scored.reward.value for scored in played) / len(played),
            "status": dict(Counter(scored.trajectory.status for scored in played)),
        },
        "tool_calls": tool_report(
            (scored.trajectory for scored in played), work.folder(lesson.number) / "trajectories.jsonl"
        ),
        "examples": {role: _counted(items) for role, items in lesson.examples.items()},
        "adapters": lesson.adapters,
    }


def _counted(items: Sequence[Example]) -> dict[str, int]:
    held_out = sum(item.held_out for item in items)
    return {"trained_on": len(items) - held_out, "held_out": held_out}
