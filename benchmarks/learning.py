"""What each setting of a learning run is worth on Atlas: runs that differ in one thing, over several seeds.

    python benchmarks/learning.py [--out runs/learning] [--seeds 0,1,2] [--variants best,paper,…] [--json FILE]

Every team plays the dev questions greedily. Variants that change nothing before filtering, or before preferences or
more rounds, go on from the very plays, or adapters, of `best`, so that a difference is the setting's and not the luck
of other plays. Differences are paired by question, whose reward is its mean over the seeds. The same command again goes
on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from autoact.cli.progress import shown_progress
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored
from autoact.core.store import Store, read_json
from autoact.core.task import Task, load_task, read_questions
from autoact.eval.scores import difference, score
from autoact.examples.atlas.atlas import FOLDER
from autoact.graph.group import graph_of
from autoact.graph.run import Batch, play_into
from autoact.graph.run_folder import META, TEAM, open_run
from autoact.models.load import close_model
from autoact.training.claim import claim
from autoact.training.learn import learn

PLAYS = ("instruct.jsonl", "questions.jsonl", "tools.json", "rounds/00/trajectories.jsonl")
TRAINED = (*PLAYS, *(f"rounds/00/{name}.jsonl" for name in ("verified", "dropped", "kept", "plan", "tool", "reflect")))
BEST, ZERO_SHOT = "best", "zero-shot"


@dataclass(frozen=True, slots=True)
class Variant:
    """Settings that differ from the task file's; `same` are the files up to which nothing differs."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    same: Sequence[str] = PLAYS
    preset: str = ""


VARIANTS: Mapping[str, Variant] = {
    BEST: Variant(same=()),
    "paper": Variant({"duplicates": "exact"}, preset="paper", same=()),
    "paper with the learning rate of Atlas": Variant(
        {"duplicates": "exact", "learning_rate": 2e-3}, preset="paper", same=()
    ),
    "answers as written": Variant({"verify": 0}),
    "answers never replaced": Variant({"replace_answers": False}),
    "no quality rules": Variant({"quality": False}),
    "one a question": Variant({"per_question": 1}),
    "all of a question": Variant({"per_question": 0}),
    "diverse first": Variant({"prefer_kept": "diverse"}),
    "verdicts of kept plays": Variant({"reflect_on": "kept"}),
    "early stopping": Variant({"early_stopping": 1}),
    "rank 16": Variant({"lora_rank": 16, "lora_alpha": 32}),
    "queries and values": Variant({"lora_targets": ["q_proj", "v_proj"]}),
    "temperatures spread": Variant({"temperature_spread": 0.3}, same=()),
    "two rounds": Variant({"rounds": 2}, same=TRAINED),
    "three rounds": Variant({"rounds": 3}, same=TRAINED),
    "dpo": Variant({"prefer": "dpo", "prefer_learning_rate": 3e-4, "prefer_epochs": 3}, same=TRAINED),
    "kto": Variant({"prefer": "kto", "prefer_learning_rate": 3e-4, "prefer_epochs": 3}, same=TRAINED),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A variant's dev plays over the seeds, numbered as samples, and what its runs kept and cost."""

    name: str
    plays: list[Scored]
    kept: list[int]
    seconds: list[float]


def outcome(name: str, seeds: Sequence[int], out: Path, pairs: Sequence[QAPair], progress: Progress) -> Outcome:
    """Learn and measure a variant with each seed, or go on with it."""
    plays, kept, seconds = [], [], []
    for number, seed in enumerate(seeds):
        progress.say(f"{name}, seed {seed}")
        run = _learned(name, seed, out, progress)
        plays += _measured(run, TEAM, number, pairs, progress)
        report = read_json(run / "report.json")
        kept.append(report["trajectories"]["kept"])
        seconds.append(sum(report["seconds"].values()))
    return Outcome(name, plays, kept, seconds)


def _learned(name: str, seed: int, out: Path, progress: Progress) -> Path:
    """The finished run of a variant."""
    variant = VARIANTS[name]
    run = out / name.replace(" ", "-") / str(seed)
    task = load_task(FOLDER / "task.yaml", {"seed": seed, **variant.settings}, variant.preset)
    if variant.same and not run.exists():
        _go_on_from(_learned(BEST, seed, out, progress), task, run, variant, progress)
    learn(task, run, progress)
    return run


def _go_on_from(best: Path, task: Task, run: Path, variant: Variant, progress: Progress) -> None:
    """A run folder with what a variant has in common with the best preset's run."""
    claim(task, run, task.base_path(), progress)
    for file in variant.same:
        (run / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(best / file, run / file)
    if variant.same == TRAINED:
        shutil.copytree(best / "adapters", run / "adapters")
        shutil.copy(best / "rounds/00/adapters.json", run / "rounds/00/adapters.json")


def _measured(run: Path, speakers: str, sample: int, pairs: Sequence[QAPair], progress: Progress) -> list[Scored]:
    """The greedy plays of a run's team, or of its META-AGENT, as the sample of that number."""
    opened = open_run(run)
    batch = Batch(pairs, 1, 0, "benchmark", opened.settings(), opened.task.learn.workers)
    store = Store(run / f"dev-{speakers}.jsonl", Scored)
    if len(store) < len(pairs):
        setup = opened.setup(speakers)
        try:
            play_into(store, lambda: graph_of(setup).compile(name="dev"), batch, progress)
        finally:
            for model in setup.models.values():
                close_model(model)
    return [
        replace(each, trajectory=replace(each.trajectory, id=f"{each.trajectory.question_id}/{sample}"))
        for each in (store[f"{pair.id}/0"] for pair in pairs)
    ]


def table_of(outcomes: Sequence[Outcome], pairs: Sequence[QAPair]) -> Table:
    """A row a variant: its reward, and the difference to the best preset's."""
    best = next(each for each in outcomes if each.name == BEST)
    table = Table("", "reward", "95% interval", "− best, paired", "95%", "won–lost", "kept", "seconds a run")
    for each in outcomes:
        figures = score(each.plays, pairs).overall
        gap = difference(each.plays, best.plays, pairs, BEST, seed=0)
        table.add_row(
            each.name,
            f"{figures.reward:.3f}",
            _span(figures.interval),
            "" if each is best else f"{gap.mean:+.3f}",
            "" if each is best else _span(gap.interval),
            "" if each is best else f"{gap.wins}–{gap.losses}",
            ", ".join(map(str, each.kept)),
            ", ".join(f"{spent:.0f}" for spent in each.seconds),
        )
    return table


def _span(interval: tuple[float, float] | None) -> str:
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=Path("runs/learning"))
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--variants", default=",".join(VARIANTS))
    options.add_argument("--json", type=Path, help="also write the figures here")
    given = options.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    names = list(dict.fromkeys([BEST, *given.variants.split(",")]))
    if unknown := [name for name in names if name not in VARIANTS]:
        options.error(f"{unknown[0]} is no variant; choose from {', '.join(VARIANTS)}")
    pairs = read_questions(FOLDER / "dev.jsonl")
    with shown_progress() as progress:
        outcomes = [outcome(name, seeds, given.out, pairs, progress) for name in names]
        first = _learned(BEST, seeds[0], given.out, progress)
        base = [play for n in range(len(seeds)) for play in _measured(first, META, n, pairs, progress)]
    outcomes.append(Outcome(ZERO_SHOT, base, [], []))
    Console(width=160).print(table_of(outcomes, pairs))
    if given.json:
        given.json.write_text(json.dumps([_figures(each, pairs) for each in outcomes], indent=1) + "\n", "utf-8")


def _figures(each: Outcome, pairs: Sequence[QAPair]) -> dict[str, Any]:
    return {"variant": each.name, "kept": each.kept, "seconds": each.seconds, **asdict(score(each.plays, pairs))}


if __name__ == "__main__":
    main()
