"""`autoact train`: teams for comparison from a finished run, or one adapter from a file of examples.

autoact train RUN --teams one-agent,trajectories-50
autoact train RUN --teams student --from OTHER_RUN
autoact train plan.jsonl --base path/or/hub/name --out adapters --lr 1e-4 --rank 16 --set lora_targets=all-linear
autoact train plan.jsonl --base path/or/hub/name --out adapters --set deepspeed=zero3        # on all GPUs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autoact.core.errors import UserError

if TYPE_CHECKING:
    from autoact.core.learning import LearnConfig

SHORT = {"--rank": "lora_rank", "--lr": "learning_rate", "--epochs": "epochs"}


def train(
    source: Annotated[Path, typer.Argument(metavar="RUN|FILE.jsonl", help="A finished run, or a file of examples.")],
    teams: Annotated[
        str, typer.Option(metavar="NAMES", help="Teams to train from a run, with commas between them, or all.")
    ] = "",
    teacher: Annotated[
        Path | None, typer.Option("--from", metavar="RUN", help="The run that the team `student` learns from.")
    ] = None,
    base: Annotated[str, typer.Option(metavar="MODEL", help="For a file: the model's folder or hub name.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="For a file: the folder that the adapter is put in.")
    ] = None,
    role: Annotated[str, typer.Option(metavar="NAME", help="For a file: only the examples of this role.")] = "",
    rank: Annotated[int | None, typer.Option(help="For a file: learn.lora_rank.")] = None,
    lr: Annotated[float | None, typer.Option(help="For a file: learn.learning_rate.")] = None,
    epochs: Annotated[int | None, typer.Option(help="For a file: learn.epochs.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="For a file: a learn setting of training; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train teams to compare a run's own with, or one adapter; the same command again goes on where it stopped."""
    short = {"--rank": rank, "--lr": lr, "--epochs": epochs}
    if source.is_dir():
        _refuse(f"{source} is a run", {"--base": base, "--out": out, "--role": role, "--set": settings, **short})
        train_run(source, teams, teacher, as_json)
    elif source.is_file():
        _refuse(f"{source} is a file", {"--teams": teams, "--from": teacher})
        given = [f"{SHORT[name]}={value}" for name, value in short.items() if value is not None]
        train_file(source, base, out, role, [*(settings or ()), *given], as_json)
    else:
        raise UserError(f"{source} does not exist; give a run folder or a JSONL file of examples")


def train_run(path: Path, names: str, teacher: Path | None, as_json: bool) -> None:
    """Train the named teams of a run."""
    from autoact.cli.display import console, print_json, safe, table
    from autoact.cli.progress import shown_progress
    from autoact.core.records import to_json
    from autoact.graph.run_folder import open_run
    from autoact.training.teams import choose_teams, train_teams

    taught_by = open_run(teacher) if teacher else None
    chosen = choose_teams(names, taught_by)
    run = open_run(path)
    with shown_progress() as progress:
        trained = train_teams(run, chosen, progress, taught_by)
    if as_json:
        print_json({"run": str(path), "teams": [to_json(item) for item in trained]})
        return
    listed = table("", "team", "adapter", ">rows", ">tokens", ">loss", ">seconds")
    for team in trained:
        for adapter in team.adapters.values():
            figures = (str(adapter["rows"]), str(adapter["tokens"]), f"{adapter['loss']:.4f}")
            listed.add_row(team.name, safe(str(adapter["path"])), *figures, f"{adapter['seconds']:.0f}")
    console().print(listed)


def train_file(path: Path, base: str, out: Path | None, role: str, settings: Sequence[str], as_json: bool) -> None:
    """Train one adapter on a file's examples of one role."""
    from autoact.cli.display import console, one_line, print_json
    from autoact.cli.progress import shown_progress
    from autoact.core.lock import locked
    from autoact.core.records import to_json
    from autoact.models.weights import model_folder
    from autoact.training.adapters import folder_name
    from autoact.training.distributed import launched, world
    from autoact.training.example_file import read_examples
    from autoact.training.launch import train_on_gpus
    from autoact.training.requirements import require_packages, require_targets
    from autoact.training.sft import train_adapter

    if not base or out is None:
        raise UserError(f"{path} is a file: {'--base' if not base else '--out'} is missing, which it needs")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; choose a folder")
    examples, config = read_examples(path, role), learning(settings)
    require_packages(config)
    require_targets(model_folder(base), config.lora_targets)
    train_one = train_on_gpus if config.deepspeed and not launched() else train_adapter
    with locked(out) if world().leads else nullcontext(), shown_progress() as progress:
        if world().leads:
            progress.stage(f"train {examples[0].role}")
        trained = train_one(
            folder_name(examples[0].role),
            base,
            examples,
            config,
            out,
            lambda at, total, loss: progress.advance(at, total, f"loss {loss:.3f}"),
        )
        if trained.note and world().leads:
            progress.say(trained.note)
    if not world().leads:
        return
    if as_json:
        print_json({**to_json(trained), "path": str(trained.path)})
        return
    told = f"{trained.path}: {trained.rows} rows, {trained.tokens} tokens, loss {trained.loss:.4f}"
    if trained.held_out_loss is not None:
        told += f", held out {trained.held_out_loss:.4f} after epoch {trained.epoch}"
    console().print(one_line(told), soft_wrap=True)


def learning(settings: Sequence[str]) -> LearnConfig:
    """The learn section of a preset, with some fields replaced.

    Raises UserError naming one that is wrong, or that the training of an adapter does not heed.
    """
    from pydantic import ValidationError

    from autoact.cli.learn import overrides_of
    from autoact.core.learning import LearnConfig, with_preset

    given = overrides_of(settings)
    heeded = {"preset", "seed", "checkpoint_steps", "report_to", *LearnConfig.TRAINING}
    if unheeded := [name for name in given if name in LearnConfig.model_fields and name not in heeded]:
        raise UserError(f"--set {unheeded[0]} says nothing of how an adapter is trained; leave it out")
    try:
        return LearnConfig.model_validate(with_preset(given))
    except ValidationError as problem:
        first = problem.errors()[0]
        raise UserError(f"--set {first['loc'][0]} is wrong: {first['msg']} (got {first['input']!r:.60})") from None


def _refuse(what: str, options: Mapping[str, Any]) -> None:
    """Raises UserError on an option that does not go with what is trained from."""
    for name, value in options.items():
        if value:
            raise UserError(f"{what}, and {name} does not go with it; autoact train --help says which do")
