"""The whole method in order: a task in, a trained team out (paper Figure 2).

    team = learn(load_task(Path("task.yaml")), Path("runs/mine"), Silent())

Each stage appends to its own file in the run folder and goes on from it. After a Ctrl-C or a kill -9 the same call
loses no record and makes none twice; what was in the air (a round of questions, trajectories at play, the last steps of
an adapter in training) is done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from autoact.core.budget import Spending
from autoact.core.errors import ModelError, TaskError
from autoact.core.lock import locked
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Team, to_json
from autoact.core.store import read_record, write_json
from autoact.core.task import Task
from autoact.models.load import close_model, load_model, profile_of
from autoact.models.team import META, team_models
from autoact.tools.toolbox import offered_tools
from autoact.training.claim import claim, claim_tools, refuse_strangers
from autoact.training.provenance import provenance
from autoact.training.report import report_of
from autoact.training.requirements import require_packages, require_targets
from autoact.training.rounds import (
    Lesson,
    Work,
    asked,
    best,
    dev_questions,
    measured,
    play,
    rising,
    stage_of,
    study,
    team_of,
)
from autoact.training.selection import select_tools, usable
from autoact.training.self_instruct import barred_questions, self_instruct

STAGES = ("self-instruct", "tool selection", "synthesis")  # after which a run can be left


def learn(
    task: Task,
    run: Path,
    progress: Progress,
    model: BaseChatModel | None = None,
    until: str = "",
    ray: str = "",
) -> Team | None:
    """Run, or go on with, a learning run. `model` replaces the task's META-AGENT; `ray` is a cluster that plays.

    A finished run is gone on with when more rounds are asked for than it had. The team, or None when the run was left
    after the first of STAGES that `until` names. Raises UserError, EndpointError.
    """
    refuse_strangers(task, run)
    if (finished := _finished(task, run)) is not None:
        progress.say(f"{run} is finished already")
        return finished
    with _blaming(task):
        offered = offered_tools(task)
        barred = barred_questions(task)
        base = task.base_path()
        meta = model or load_model(task.model_spec(), task.endpoint)
        _check_base(task, base, progress)
    with locked(run):
        claim(task, run, base, progress)
        spending = Spending(run / "spent.json", task.learn.budgets)
        for name, lack in offered.missing.items():
            progress.say(f"{name} is not on offer: it needs {lack}")

        with spending.stage("self-instruct", progress) as meter:
            questions = self_instruct(task, meta, barred, run, progress, meter)
        if until == "self-instruct":
            return None
        with spending.stage("tool selection", progress) as meter:
            tools = usable(offered, select_tools(task, meta, offered.tools, run, progress, meter).tools)
            claim_tools(run, [tool.name for tool in tools])
        if until == "tool selection":
            return None
        work = Work(task, run, base, tools, spending, progress, ray)
        trajectories = play(work, 0, meta, questions)
        if until == "synthesis":
            return None
        if (profile := profile_of(meta)) and profile["spent"]:  # a run that is gone on with may ask nothing more
            write_json(run / "engine.json", profile)
        if meta is not model:
            close_model(meta)
        lessons = [study(work, 0, questions, trajectories, ())]
        if task.learn.rounds > 1 and not dev_questions(work, lessons[0]):
            progress.say("nothing is held out to measure rounds on, so one is all; raise learn.held_out for more")
        elif task.learn.rounds > 1:
            lessons = more_rounds(work, lessons[0], barred, model)
        chosen = best(lessons)
        with spending.stage("held-out losses", progress):
            report = report_of(work, lessons, chosen)
        trained = team_of(work, chosen)
        made = provenance(run, task, base, trained.adapters.values(), tools, report)
        team = replace(trained, provenance=made)
        write_json(run / "report.json", report | {"seconds": spending.seconds})
        write_json(run / "team.json", to_json(team))
        return team


def _finished(task: Task, run: Path) -> Team | None:
    """The team of a run that is finished, unless more rounds are asked for now."""
    if not (run / "team.json").exists():
        return None
    team = read_record(run / "team.json", Team)
    return team if task.learn.rounds <= team.settings.get("rounds", task.learn.rounds) else None


def more_rounds(work: Work, first: Lesson, barred: Sequence[QAPair], model: BaseChatModel | None) -> list[Lesson]:
    """The first round and those after it, each played by the team before it, until its reward rises no more."""
    lessons: list[Lesson] = []
    lesson = first
    while True:
        team = team_of(work, lesson)
        speakers = team_models(team, work.run)
        try:
            lessons.append(measured(work, lesson, first, speakers))
            number = len(lessons)
            if number == work.config.rounds or not rising(lessons):
                return lessons
            written = _written(work, number, barred, model, speakers)
            questions = asked(written, lessons)
            if not questions:
                return lessons
            work.progress.say(f"round {number}: {len(questions)} questions, new and unsolved, played by the team")
            trajectories = play(work, number, speakers, questions, team)
        finally:
            close_model(speakers[META])
        lesson = study(work, number, questions, trajectories, lessons)


def _written(
    work: Work,
    number: int,
    barred: Sequence[QAPair],
    model: BaseChatModel | None,
    speakers: Mapping[str, BaseChatModel],
) -> list[QAPair]:
    """The questions of all rounds up to one, as the META-AGENT writes them: the team's base, if it is that."""
    more = work.config.model_copy(update={"questions": (number + 1) * work.config.questions})
    task = work.task.model_copy(update={"learn": more})
    provider, _, name = task.model_spec().partition(":")
    own = provider == "transformers" and name == task.base_path()
    meta = model or (speakers[META] if own else load_model(task.model_spec(), task.endpoint))
    try:
        with work.spending.stage(*stage_of("self-instruct", number, work.progress)) as meter:
            return self_instruct(task, meta, barred, work.run, work.progress, meter, number)
    finally:
        if meta not in (model, speakers[META]):
            close_model(meta)


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
    require_packages(task.learn)
    from autoact.models.chat_format import prefix_problem, prepare
    from autoact.models.engine import load_tokenizer
    from autoact.models.weights import model_folder

    folder = model_folder(base)
    require_targets(folder, task.learn.lora_targets)
    tokenizer = load_tokenizer(folder)
    for note in (prepare(tokenizer), prefix_problem(tokenizer)):
        if note:
            progress.say(f"{base}: {note}")
