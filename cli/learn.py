"""`autoact learn TASK.yaml --out RUN`: the whole method; the same command goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from autoact.core.errors import UserError


def learn(
    task_file: Annotated[Path, typer.Argument(metavar="TASK.yaml", help="The task file.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="The run folder; made if missing.")],
    preset: Annotated[
        Literal["best", "paper", ""],
        typer.Option(metavar="best|paper", help="Settings to start from, over the file's."),
    ] = "",
    rounds: Annotated[int | None, typer.Option(metavar="N", help="Rounds of play and training at most.")] = None,
    prefer: Annotated[
        Literal["dpo", "kto", ""],
        typer.Option(metavar="dpo|kto", help="Train preferences, too, on kept against failed."),
    ] = "",
    select_tools: Annotated[
        Literal["meta", "utility", ""],
        typer.Option(metavar="meta|utility", help="Tools as the META-AGENT says, or as they do on the examples."),
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Replace a field of the learn section; repeatable."),
    ] = None,
    until: Annotated[
        Literal["self-instruct", "tool selection", "synthesis", ""],
        typer.Option(metavar="STAGE", help="Leave after self-instruct, tool selection or synthesis."),
    ] = "",
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Play only a part of synthesis, for one of N machines, and leave.")
    ] = "",
    ray: Annotated[
        str,
        typer.Option(
            metavar="local|HOST:PORT", help="Play by the processes of a Ray cluster, this machine's or another."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Learn a team of agents for a task; the same command again resumes a run that was stopped."""
    from autoact.cli.display import console, print_json
    from autoact.cli.overview import overview
    from autoact.cli.progress import shown_progress
    from autoact.cli.show import print_overview
    from autoact.core.records import to_json
    from autoact.core.shard import shard_of
    from autoact.core.task import load_task
    from autoact.training import learn as story
    from autoact.training.ray_play import require_ray
    from autoact.training.sharding import learn_shard

    flags = {"rounds": rounds, "prefer": prefer, "select_tools": select_tools}
    given = {name: value for name, value in flags.items() if value not in (None, "")}
    task = load_task(task_file, overrides_of(settings or ()) | given, preset)
    part = shard_of(shard) if shard else None
    if part and (until or ray or as_json):
        other = "--until" if until else "--ray" if ray else "--json"
        raise UserError(
            f"--shard plays a part of synthesis here, and {other} does not go with it; leave one of them out"
        )
    if ray:
        require_ray(ray)
    with shown_progress() as progress:
        if part:
            learn_shard(task, out, part, progress)
            return
        team = story.learn(task, out, progress, until=until, ray=ray)
    if as_json:
        print_json({"run": str(out), "team": team and to_json(team), **overview(out)})
        return
    print_overview(overview(out), samples=False)
    again = f'autoact ask {out} "…" --trace' if team else "the same command without --until goes on"
    console().print(f"Next: {again}", soft_wrap=True)


def overrides_of(settings: Sequence[str]) -> dict[str, Any]:
    """Name → value of `NAME=VALUE` settings. Raises UserError on one that is not, or on an unknown name."""
    from autoact.core.learning import LearnConfig

    overrides: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UserError(f"--set {setting} is not NAME=VALUE, such as --set questions=100")
        if name not in LearnConfig.model_fields:
            known = ", ".join(LearnConfig.model_fields)
            raise UserError(f"--set {name} is no field of the learn section; choose from {known}")
        overrides[name] = _value(setting, value)
    return overrides


def _value(setting: str, text: str) -> Any:
    """The value as YAML; as JSON first, since YAML 1.1 takes 1e-4 for a text."""
    import yaml

    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"--set {setting}: the value is not YAML; write a number, a text or [a, b]") from None
