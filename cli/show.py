"""`autoact show RUN`: how far a run is and what each stage brought, also before it is finished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from autoact.core.records import Scored

SAMPLES = 2


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of `autoact learn`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a run: stages, yields, selected tools, reward so far, held-out losses, samples."""
    from autoact.cli.display import print_json

    seen = overview(run)
    if as_json:
        print_json(seen)
    else:
        print_overview(seen)


def overview(run: Path) -> dict[str, Any]:
    """What the files of a run folder say. Raises RunError when it is none."""
    from autoact.core.records import QAPair, Scored
    from autoact.core.store import Store
    from autoact.graph.run_folder import read_task
    from autoact.graph.tool_report import tool_report
    from autoact.training.self_instruct import Round

    task = read_task(run)
    first = run / "rounds" / "00"
    rounds = list(Store(run / "instruct.jsonl", Round))
    questions = {pair.id: pair for pair in Store(run / "questions.jsonl", QAPair)}
    played = list(Store(first / "trajectories.jsonl", Scored))
    kept = {scored.id for scored in Store(first / "kept.jsonl", Scored)}
    adapters = _json(run / "rounds" / "00" / "adapters.json", {})
    return {
        "run": str(run),
        "task": task.name,
        "finished": (run / "team.json").exists(),
        "seconds": {name: spent["seconds"] for name, spent in _json(run / "spent.json", {}).items()},
        "questions": {
            "wanted": task.learn.questions,
            "written": sum(len(each.pairs) for each in rounds),
            "rounds": len(rounds),
            **{why: sum(getattr(each, why) for each in rounds) for why in ("malformed", "duplicate", "excluded")},
        },
        "tools": _json(run / "tools.json", {}).get("tools", []),
        "trajectories": {
            "wanted": len(questions) * task.learn.samples,
            "played": len(played),
            "reward": sum(scored.reward.value for scored in played) / len(played) if played else None,
            "kept": len(kept),
        },
        "tool_calls": tool_report((scored.trajectory for scored in played), first / "trajectories.jsonl"),
        "engine": _json(run / "engine.json", None),
        "adapters": {role: trained["path"] for role, trained in adapters.items()},
        "held_out_losses": _json(run / "report.json", {}).get("held_out_losses", {}),
        "samples": {
            "kept": _samples([scored for scored in played if scored.id in kept], questions),
            "dropped": _samples([scored for scored in played if kept and scored.id not in kept], questions),
        },
    }


def _json(path: Path, otherwise: Any) -> Any:
    from autoact.core.store import read_json

    return read_json(path) if path.exists() else otherwise


def _samples(scored: list[Scored], questions: dict[str, Any]) -> list[dict[str, Any]]:
    """The first few, with question and wanted answer."""
    return [
        {
            "question": questions[each.trajectory.question_id].question,
            "wanted": questions[each.trajectory.question_id].answer,
            "answer": each.trajectory.answer,
            "reward": each.reward.value,
            "steps": [f"{step.tool}[{step.argument}]" for step in each.trajectory.steps],
        }
        for each in scored[:SAMPLES]
        if each.trajectory.question_id in questions
    ]


def print_overview(seen: dict[str, Any], samples: bool = True) -> None:
    """The overview as tables."""
    from autoact.cli.display import console, safe, tool_calls_table

    screen = console()
    screen.print(stages_table(seen))
    if seen["tool_calls"]:
        screen.print(tool_calls_table({"": seen["tool_calls"]}))
    if seen["engine"]:
        screen.print(engine_table(seen["engine"]))
    if seen["held_out_losses"]:
        screen.print(losses_table(seen["held_out_losses"]))
    for kind, items in seen["samples"].items() if samples else ():
        for item in items:
            asked = f"{kind}: {item['question']} (wanted: {item['wanted']})"
            screen.print(safe(asked), soft_wrap=True)
            said = f"  {' → '.join(item['steps'])} = {item['answer']!r}, reward {item['reward']:.2f}"
            screen.print(safe(said, "dim"), soft_wrap=True)


def stages_table(seen: dict[str, Any]) -> Table:
    """A line a stage: how far it is and what it brought."""
    from autoact.cli.display import one_line, safe, table

    asked, played = seen["questions"], seen["trajectories"]
    dropped = ", ".join(f"{asked[why]} {why}" for why in ("malformed", "duplicate", "excluded"))
    reward = "" if played["reward"] is None else f"reward {played['reward']:.3f}"
    state = "finished" if seen["finished"] else "not finished"
    made = table(
        f"{one_line(seen['task'])}, {one_line(seen['run'])}: {state}",
        "stage",
        ">done",
        "what it brought",
        ">seconds",
    )
    lines = (
        (
            "self-instruct",
            f"{asked['written']}/{asked['wanted']}",
            f"{asked['rounds']} rounds; dropped {dropped}",
        ),
        ("tool selection", str(len(seen["tools"])), ", ".join(seen["tools"])),
        ("synthesis", f"{played['played']}/{played['wanted']}", reward),
        ("filtering", str(played["kept"]), "kept"),
        (
            "training",
            f"{len(seen['adapters'])}/3",
            ", ".join(Path(path).name for path in seen["adapters"].values()),
        ),
    )
    for stage, done, brought in lines:
        seconds = seen["seconds"].get(stage)
        made.add_row(stage, done, safe(brought), "" if seconds is None else f"{seconds:.0f}")
    return made


def engine_table(profile: dict[str, Any]) -> Table:
    """What the in-process engine computed for the META-AGENT, in the process that played last."""
    from autoact.cli.display import safe, table

    batch = f"{profile['rows'] / profile['steps']:.1f}" if profile["steps"] else "–"
    made = table(f"Engine: {batch} rows a step", "model", ">requests", ">computed", ">reused", ">written", ">ms queued")
    for name, spent in profile["spent"].items():
        tokens = (str(spent[kind]) for kind in ("prefilled", "reused", "decoded"))
        queued = 1000 * spent["queued"] / max(spent["requests"], 1)
        made.add_row(safe(name), str(spent["requests"]), *tokens, f"{queued:.1f}")
    return made


def losses_table(losses: dict[str, dict[str, float | None]]) -> Table:
    """Held-out loss of each role's turns by each adapter; a role's own should be the lowest of its line."""
    from autoact.cli.display import table

    speakers = list(next(iter(losses.values())))
    made = table("Held-out loss (nats a token)", "turns of", *(f">{name}" for name in speakers))
    for role, line in losses.items():
        made.add_row(role, *("–" if line[name] is None else f"{line[name]:.3f}" for name in speakers))
    return made
