"""Measure methods on a benchmark: play what is missing, keep every trajectory, and compare.

    report = evaluate_methods(run, benchmark, chosen.methods, progress, Options(epochs=3))
    report.to_json()["methods"][0]["reward"]

What is on disk is not played again, and a finished evaluation asks for no model. eval/trial_folder.py says what is on
disk, eval/playing.py when a play gets there, eval/inspect_task.py how Inspect AI runs the plays and logs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autoact.core.errors import EndpointError, UserError
from autoact.core.lock import locked
from autoact.core.progress import Progress
from autoact.core.records import Demonstration, Scored
from autoact.core.shard import Shard
from autoact.core.store import Store
from autoact.eval.benchmark import Benchmark
from autoact.eval.contamination import contaminated, learned_from, refuse_contaminated, unchecked
from autoact.eval.html import write_report
from autoact.eval.inspect_home import inspect_home
from autoact.eval.inspect_log import drafts, has_log, keep_log
from autoact.eval.inspect_task import play_samples
from autoact.eval.merge import take_shards
from autoact.eval.method_graphs import method_graphs
from autoact.eval.methods import BASELINE, Method
from autoact.eval.playing import GraphOf, Playing
from autoact.eval.report import Measured, Played, Report, compare
from autoact.eval.shots import check_shots, load_shots, shots_of
from autoact.eval.trial_folder import Trial, method_settings, trial_of, write_questions, write_settings
from autoact.graph.run_folder import Planner, RunFolder
from autoact.graph.tool_report import note_times, tool_report

PACKAGES = ("inspect_ai", "matplotlib")
MOST_ERRORS = 0.1

Graphs = Callable[[Method, RunFolder, Trial], AbstractContextManager[GraphOf]]


@dataclass(frozen=True, slots=True)
class Options:
    """How an evaluation is played. `shots` is a file of demonstrations; without, they are the run's own trajectories.

    against: the method of the paired differences.
    """

    epochs: int = 1
    temperature: float = 0.0
    limit: int | None = None
    shots: Path | None = None
    against: str = BASELINE
    allow_contaminated: bool = False


def require_packages() -> None:
    """Raises UserError when a package that an evaluation needs is not installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UserError(f"an evaluation needs {', '.join(missing)}: pip install 'langgraph-autoact[eval]'")


def evaluate_methods(
    run: RunFolder,
    benchmark: Benchmark,
    methods: Sequence[Method],
    progress: Progress,
    options: Options,
    graphs: Graphs = method_graphs,
) -> Report:
    """The comparison of methods, which is also written down.

    Raises UserError, before anything is played, on demonstrations or questions that cannot be used, and EndpointError
    when models or tools were down; the same call later plays what is missing.
    """
    trial = prepare(run, benchmark, methods, options)
    with locked(trial.folder):
        played = play_methods(run, trial, methods, progress, graphs)
        progress.stage("report")
        report = compare(_measured(trial), played, options.against)
        write_report(report)
    return report


def evaluate_shard(
    run: RunFolder,
    benchmark: Benchmark,
    methods: Sequence[Method],
    progress: Progress,
    options: Options,
    shard: Shard,
    graphs: Graphs = method_graphs,
) -> Trial:
    """What one of several machines played; its folder is what `evaluate_methods` takes over. Raises as that does."""
    trial = prepare(run, benchmark, methods, options).shard(shard)
    with locked(trial.folder):
        play_methods(run, trial, methods, progress, graphs)
    return trial


def prepare(run: RunFolder, benchmark: Benchmark, methods: Sequence[Method], options: Options) -> Trial:
    """The trial that is asked for, checked; nothing is written yet. Raises UserError."""
    shots = _shots(run, max(method.shots for method in methods), options.shots)
    found = contaminated(benchmark, learned_from(run, shots))
    if not options.allow_contaminated:
        refuse_contaminated(benchmark, found)
    noted = replace(benchmark, notes=(*benchmark.notes, *unchecked(run)))
    trial = trial_of(run, noted, options.epochs, options.temperature, options.limit, shots)
    return replace(trial, contaminated=found.ids)


def play_methods(
    run: RunFolder, trial: Trial, methods: Sequence[Method], progress: Progress, graphs: Graphs = method_graphs
) -> list[Played]:
    """What each method played. Raises RunError before anything is played when the folder holds something else."""
    settings = {method.id: method_settings(run, method, trial) for method in methods}
    write_settings(trial, settings)
    write_questions(trial)
    return [
        evaluate(method, partial(graphs, method, run, trial), trial, settings[method.id], progress)
        for method in methods
    ]


def evaluate(
    method: Method,
    graphs: Callable[[], AbstractContextManager[GraphOf]],
    trial: Trial,
    settings: Mapping[str, Any],
    progress: Progress,
) -> Played:
    """One method's records on the whole trial; `graphs` is called only when something is left to play.

    Raises EndpointError when models or tools were down, or too many plays ended in an error for a result.
    """
    progress.stage(f"evaluate {method.id}")
    store = Store(trial.records(method.id), Scored)
    take_shards(trial, method.id, settings, store, progress)
    names = [f"{pair.id}/{epoch}" for pair in trial.pairs for epoch in range(trial.epochs)]
    missing = any(name not in store for name in names)
    if missing or (names and not has_log(trial.logs(), method.id, names)):
        with graphs() if missing else nullcontext(_no_graph) as graph_of:
            play(Playing(method, trial, store, graph_of, progress), method, trial, settings)
    records = store.pick(names)
    refuse_errors(method, trial, records)
    calls = tool_report((record.trajectory for record in records), store.path)
    log = trial.logs() / f"{method.id}.eval"
    return Played(method, records, calls, str(log.relative_to(trial.folder.parent)), settings)


def play(playing: Playing, method: Method, trial: Trial, settings: Mapping[str, Any]) -> None:
    """Play what is missing on Inspect, and keep its log if nothing was down."""
    with inspect_home(), drafts(trial.folder) as folder:
        try:
            told = {**trial.settings, **settings}
            log = play_samples(playing, method.id, told, trial.epochs, trial.workers, folder)
            playing.close()
        finally:
            note_times(trial.records(method.id), playing.watch.tools)
        keep_log(log, trial.logs(), method.id, playing.jobs)


def refuse_errors(method: Method, trial: Trial, records: Sequence[Scored]) -> None:
    """Raises EndpointError when so many plays ended in an error that the others are no result."""
    errors = [record.trajectory for record in records if record.trajectory.status == "error"]
    if len(errors) > MOST_ERRORS * len(records):
        raise EndpointError(
            f"{len(errors)} of {len(records)} plays of {method.id} ended in an error, {errors[0].id} first "
            f"({errors[0].error}): that is no result; see to it, remove {trial.records(method.id)} and run again"
        )


def _shots(run: RunFolder, count: int, path: Path | None) -> tuple[Demonstration, ...]:
    """As many demonstrations as any method is shown, from a file or from the run."""
    if not count:
        return ()
    if path is None:
        return shots_of(run, count, run.task.learn.seed)
    shots = load_shots(path)
    check_shots(shots, run.tools)
    if len(shots) < count:
        raise UserError(f"{path} holds {len(shots)} demonstrations, and {count} are shown; add to them")
    return shots[:count]


def _measured(trial: Trial) -> Measured:
    benchmark = trial.benchmark
    return Measured(
        benchmark=benchmark.name,
        split=benchmark.split,
        pairs=trial.pairs,
        epochs=trial.epochs,
        seed=trial.seed,
        folder=trial.folder,
        settings=trial.settings,
        contaminated=trial.contaminated,
        notes=benchmark.notes,
        published=benchmark.published,
    )


def _no_graph(question_id: str) -> Planner:
    raise AssertionError(f"{question_id} is to be played though its records are complete")
