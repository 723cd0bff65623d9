"""The README.md of a team on a hub: what it is, what it was trained on in figures, how it is loaded.

Texts that come from a task, a model or a server are shown as code, in which no markup is read.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from autoact.cli.display import one_line
from autoact.cli.hub_files import Pushed, folders
from autoact.cli.overview import evaluations
from autoact.core.store import read_json
from autoact.core.text import spelt_out
from autoact.serve.vllm import room_for

SYSTEM = "plan"  # the role whose examples the system turn is read from; it is the same in all


def model_card(pushed: Pushed) -> str:
    """The card, its metadata first."""
    import yaml
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # what is foreign goes through `code`, `fenced`, `quoted` or `tojson`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters |= {"code": code, "figure": _figure, "fenced": fenced, "quoted": shlex.quote, "tojson": _literal}
    metadata = yaml.safe_dump(metadata_of(pushed), sort_keys=False, allow_unicode=True)
    body = pages.get_template("model_card.md").render(_shown(pushed))
    return f"---\n{metadata}---\n\n" + re.sub(r"\n{3,}", "\n\n", body)


def metadata_of(pushed: Pushed) -> dict[str, Any]:
    """What the hub reads of the card. A base that is not on the hub is not named, since the hub would refuse it."""
    return {
        **({"license": pushed.license} if pushed.license else {}),
        **({"base_model": pushed.team.base} if pushed.base_is_on_hub else {}),
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["autoact", "lora", "agents", "langgraph"],
    }


def code(text: str) -> str:
    """A text as inline code, also in a table."""
    return f"`{one_line(text).replace('`', chr(39)).replace('|', chr(0x2758))}`"


def fenced(text: str) -> str:
    """A text as a block of code, in a fence that it does not hold."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}text\n{spelt_out(text)}\n{fence}"


def _literal(value: Any) -> str:
    """A value as Python and JSON write it; no text in it can end a block of code."""
    return json.dumps(value).replace("`", "\\u0060")


def _shown(pushed: Pushed) -> dict[str, Any]:
    team, report = pushed.team, _report(pushed.run)
    losses, examples = report.get("held_out_losses", {}), report.get("examples", {})
    return {
        "team": team,
        "repo": pushed.repo,
        "base": team.base,
        "base_is_on_hub": pushed.base_is_on_hub,
        "description": pushed.task.description,
        "with_data": pushed.with_data,
        "origins": team.provenance.origins,
        "packages": team.provenance.packages,
        "rank": room_for(pushed.run / path for path in folders(team)),
        "folders": folders(team),
        "adapters": [
            {
                "role": role,
                "path": path,
                "folder": PurePath(path).name,
                "examples": _figure(examples.get(role, {}).get("trained_on")),
                "before": _figure(losses.get(role, {}).get("base")),
                "after": _figure(losses.get(role, {}).get(role)),
            }
            for role, path in team.adapters.items()
        ],
        "figures": _figures(report),
        "evaluations": evaluations(pushed.run),
        "system": _system_turn(pushed.run),
    }


def _report(run: Path) -> Mapping[str, Any]:
    path = run / "report.json"
    report: Mapping[str, Any] = read_json(path) if path.exists() else {}
    return report


def _figures(report: Mapping[str, Any]) -> dict[str, str]:
    """Over all rounds."""
    rounds = [each["trajectories"] for each in report.get("rounds") or [report] if "trajectories" in each]
    played = sum(each["played"] for each in rounds)
    reward = sum(each["mean_reward"] * each["played"] for each in rounds) / played if played else None
    return {
        "questions": _figure(report.get("questions", {}).get("kept")),
        "played": _figure(played or None),
        "reward": _figure(reward),
        "kept": _figure(sum(each["kept"] for each in rounds) if rounds else None),
    }


def _system_turn(run: Path) -> str:
    """The system turn that the team was trained on, from its examples."""
    for path in sorted(run.glob(f"rounds/*/{SYSTEM}.jsonl")):
        with path.open(encoding="utf-8") as file:
            line = file.readline()
        if line.endswith("\n"):
            turns = json.loads(line)["messages"]
            return next((str(turn["content"]) for turn in turns if turn["role"] == "system"), "")
    return ""


def _figure(value: float | None) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
