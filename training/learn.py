"""The whole method in order: a task in, a trained team out (paper Figure 2).

    team = learn(load_task(Path("task.yaml")), Path("runs/mine"), Silent())

Each stage appends to its own file in the run folder and goes on from it. After a Ctrl-C or a kill -9 the same call
loses no record and makes none twice; what was in the air (a round of questions, trajectories at play, the adapter in
training) is begun again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from autoact.core.errors import ModelError, RunError, TaskError
from autoact.core.lock import locked
from autoact.core.progress import Progress
from autoact.core.records import Example, QAPair, Scored, Team, to_json
from autoact.core.store import Store, read_json, read_record, write_json
from autoact.core.task import Task
from autoact.graph.setup import brief_of
from autoact.graph.tool_report import tool_report
from autoact.models.load import close_model, load_model, profile_of
from autoact.tools.toolbox import Offered, offered_tools
from autoact.training.adapters import train_adapters
from autoact.training.clock import Clock
from autoact.training.examples import role_examples, save
from autoact.training.filtering import Kept, keep
from autoact.training.requirements import require_packages, require_targets
from autoact.training.selection import select_tools
from autoact.training.self_instruct import Round, excluded_keys, self_instruct
from autoact.training.synthesis import synthesize

OURS = (".lock", "task.json.part")


def learn(task: Task, run: Path, progress: Progress, model: BaseChatModel | None = None) -> Team:
    """Run, or go on with, a learning run. `model` replaces the task's META-AGENT. Raises UserError, EndpointError."""
    _refuse_strangers(task, run)
    if (run / "team.json").exists():
        progress.say(f"{run} is finished already")
        return read_record(run / "team.json", Team)
    with _blaming(task):
        offered = offered_tools(task)
        barred = excluded_keys(task)
        base = task.base_path()
        meta = model or load_model(task.model_spec(), task.endpoint)
        _check_base(task, base, progress)
    with locked(run):
        _claim(task, run)
        clock = Clock(run / "seconds.json")

        for name, lack in offered.missing.items():
            progress.say(f"{name} is not on offer: it needs {lack}")
        with clock.stage("self-instruct", progress):
            questions = self_instruct(task, meta, barred, run, progress)
        with clock.stage("tool selection", progress):
            selected = select_tools(task, meta, offered.tools, run, progress).tools
            tools = [tool for tool in offered.tools if tool.name in selected]
            _refuse_missing(selected, offered)
        with clock.stage("synthesis", progress):
            trajectories = synthesize(task, meta, tools, questions, run / "rounds" / "00", progress)
            if profile := profile_of(meta):
                write_json(run / "engine.json", profile)
            if meta is not model:
                close_model(meta)
        with clock.stage("filtering", progress):
            sifted = keep(trajectories, task.learn.min_kept)
            kept = save(run / "rounds" / "00" / "kept.jsonl", Scored, sifted.trajectories)
            progress.advance(len(kept), len(trajectories), "kept")
            _require(kept, task, run)
            examples = role_examples(brief_of(task.description, tools), questions, trajectories, kept, task.learn)
            for role, items in examples.items():
                save(run / "rounds" / "00" / f"{role}.jsonl", Example, items)
        with clock.stage("training", progress):
            adapters = train_adapters(examples, base, task.learn, run, run / "adapters" / "adapters.json", progress)
        with clock.stage("held-out losses", progress):
            report = _report(task, base, run, questions, trajectories, sifted, examples, adapters)
        team = _team(task, base, tuple(tool.name for tool in tools), adapters)
        write_json(run / "report.json", report | {"seconds": clock.seconds})
        write_json(run / "team.json", to_json(team))
        return team


def _refuse_strangers(task: Task, run: Path) -> None:
    """Raises RunError when the folder holds anything but a run of this task."""
    path = run / "task.json"
    if path.exists():
        found = read_json(path)
        if not isinstance(found, dict) or found.get("fingerprint") != task.fingerprint():
            raise RunError(f"{run} is a run of another task or of other settings; choose another --out")
    elif run.exists() and not run.is_dir():
        raise RunError(f"{run} is a file; choose a folder for --out")
    elif run.exists():
        strangers = [item.name for item in run.iterdir() if item.name not in OURS]
        if strangers:
            raise RunError(f"{run} holds {strangers[0]} and is no run folder; choose another --out")


def _refuse_missing(selected: Sequence[str], offered: Offered) -> None:
    """Raises TaskError when a tool that was selected earlier cannot be used any more."""
    for name in set(selected) - {tool.name for tool in offered.tools}:
        lack = offered.missing.get(name, "to be on offer")
        raise TaskError(f"tools: {name} was selected when this run began, and needs {lack}; bring it back to go on")


def _claim(task: Task, run: Path) -> None:
    """Note the task in the folder, as it was last given."""
    _refuse_strangers(task, run)
    known = {"fingerprint": task.fingerprint(), "file": str(task.file)}
    write_json(run / "task.json", known | {"task": task.model_dump(mode="json")})


@contextmanager
def _blaming(task: Task) -> Iterator[None]:
    """Names the task file in an error that it is to blame for."""
    try:
        yield
    except (TaskError, ModelError) as problem:
        named = str(problem) if str(task.file) in str(problem) else f"{task.file}: {problem}"
        raise type(problem)(named) from problem


def _check_base(task: Task, base: str, progress: Progress) -> None:
    """Whether the weights are there and can be trained on, before hours are spent on play. Raises ModelError."""
    require_packages()
    from autoact.models.chat_format import prefix_problem, prepare
    from autoact.models.engine import load_tokenizer
    from autoact.models.weights import model_folder

    folder = model_folder(base)
    require_targets(folder, task.learn.lora_targets)
    tokenizer = load_tokenizer(folder)
    for note in (prepare(tokenizer), prefix_problem(tokenizer)):
        if note:
            progress.say(f"{base}: {note}")


def _report(
    task: Task,
    base: str,
    run: Path,
    questions: Sequence[QAPair],
    trajectories: Sequence[Scored],
    sifted: Kept,
    examples: Mapping[str, Sequence[Example]],
    adapters: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """What the run brought, counted and measured."""
    from autoact.training.losses import held_out_losses

    paths = {role: run / trained["path"] for role, trained in adapters.items()}
    rounds = Store(run / "instruct.jsonl", Round)
    return {
        "questions": {
            "kept": len(questions),
            "rounds": len(rounds),
            **{reason: sum(getattr(r, reason) for r in rounds) for reason in ("malformed", "duplicate", "excluded")},
        },
        "tools": read_json(run / "tools.json"),
        "trajectories": {
            "played": len(trajectories),
            "kept": len(sifted.trajectories),
            "dropped": sifted.dropped,
            "mean_reward": sum(s.reward.value for s in trajectories) / len(trajectories),
            "status": dict(Counter(s.trajectory.status for s in trajectories)),
        },
        "tool_calls": tool_report((s.trajectory for s in trajectories), run / "rounds" / "00" / "trajectories.jsonl"),
        "engine": read_json(run / "engine.json") if (run / "engine.json").exists() else None,
        "examples": {role: _counted(items) for role, items in examples.items()},
        "adapters": adapters,
        "held_out_losses": held_out_losses(base, paths, examples, task.learn.max_length),
    }


def _counted(items: Sequence[Example]) -> dict[str, int]:
    held_out = sum(item.held_out for item in items)
    return {"trained_on": len(items) - held_out, "held_out": held_out}


def _team(task: Task, base: str, tools: tuple[str, ...], adapters: Mapping[str, Mapping[str, Any]]) -> Team:
    from autoact.models.weights import model_hash

    return Team(
        base=base,
        base_hash=model_hash(base),
        adapters={role: str(trained["path"]) for role, trained in adapters.items()},
        tools=tools,
        task=task.name,
        settings=task.learn.model_dump(mode="json"),
    )


def _require(kept: Sequence[Scored], task: Task, run: Path) -> None:
    if len(kept) < task.learn.min_kept:
        raise RunError(
            f"{run}: only {len(kept)} trajectories have reward 1, {task.learn.min_kept} are needed to train; "
            "learn again into another --out with more learn.questions or learn.samples, or with a stronger model"
        )
