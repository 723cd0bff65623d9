"""What Atlas's teams come to: the META-AGENT, the trained team, its ablations and controls, over several seeds.

    python benchmarks/atlas.py [--task atlas|atlas_choice] [--split dev|test] [--seeds 0,1,2] [--out runs/table]
                               [--arms main,ablations,sampled] [--json FILE]

Each seed is a whole learning run. Every method plays every question of the split, greedily; with `sampled` the
META-AGENT and the team also play at T = .7, for the mean over plays and for the majority of five. Among the ablations,
`reflect-alone` is the META-AGENT with the trained reflect adapter, which has many wrong answers to find; `scripted` is
a team trained on what the script behind the seed model plays when it knows the world and the answers.
A question's reward is its mean over the seeds; intervals resample whole countries. The same command again goes on.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from atlas_facts import SHUFFLES, question_facts, usable_selections
from rich.console import Console
from rich.table import Table

from autoact.cli.progress import shown_progress
from autoact.core.lock import locked
from autoact.core.progress import Progress
from autoact.core.records import FINISH, ROLES, QAPair, Scored, Trajectory
from autoact.core.reward import normalize, reward_of
from autoact.core.store import Store, read_json
from autoact.core.task import load_task
from autoact.eval.benchmark import Benchmark, load_benchmark
from autoact.eval.evaluate import Options, play_methods, prepare
from autoact.eval.methods import Method, choose_methods
from autoact.eval.scores import Interval, bootstrap, plays_of
from autoact.eval.verdicts import judged_by
from autoact.examples.atlas.atlas import CHOICE, FOLDER, atlas, split
from autoact.examples.atlas.choice import Put, all_put, choice_pair, put_plainly
from autoact.examples.atlas.play import KNOWS_THE_WORLD, play
from autoact.examples.atlas.world import Asked, pair_of, questions
from autoact.graph.run_folder import RunFolder, open_run
from autoact.training.examples import role_examples, trainable
from autoact.training.learn import learn
from autoact.training.teams import train_team, train_teams
from autoact.training.variants import Variant, brief_for

TASKS = {"atlas": FOLDER, "atlas_choice": CHOICE}
ABLATIONS = ("one-agent", "no-filtering", "tool-agents")
SCRIPTED = Method("scripted", "the team trained on scripted play that knows the world", speakers="scripted")
REFLECT_ALONE = Method("reflect-alone", "the META-AGENT, judged by the reflect adapter", speakers="reflect-alone")
ARMS = ("main", "ablations", "sampled")
MAIN = ("zero-shot", "few-shot", "autoact", "no-reflection")
SAMPLED = ("zero-shot", "autoact")
TEMPERATURE, EPOCHS, VOTES, SCRIPTS = 0.7, 3, 5, 250


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: mean reward by seed, and the differences to zero-shot and to the team."""

    name: str
    seeds: list[float]
    reward: float
    interval: Interval
    to_zero_shot: tuple[float, Interval] | None
    to_team: tuple[float, Interval] | None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--task", choices=TASKS, default="atlas")
    options.add_argument("--split", choices=("dev", "test"), default="dev")
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--arms", default=",".join(ARMS))
    options.add_argument("--out", type=Path, default=Path("runs/table"))
    options.add_argument("--json", type=Path, help="also write the figures here")
    given = options.parse_args()
    arms = given.arms.split(",")
    if unknown := set(arms) - set(ARMS):
        options.error(f"--arms {', '.join(sorted(unknown))}: choose from {', '.join(ARMS)}")
    rewards: dict[str, list[dict[str, float]]] = {}
    facts = []
    with shown_progress() as progress:
        for seed in map(int, given.seeds.split(",")):
            run = learned(given.task, seed, given.out / given.task / str(seed), arms, progress)
            benchmark = load_benchmark(run.task.name, run.task, given.split)
            played = measured(run, benchmark, arms, progress)
            for name, by_question in played.items():
                rewards.setdefault(name, []).append(by_question)
            facts.append({"seed": seed, **facts_of(run, benchmark, arms, progress)})
    lines = lines_of(rewards, benchmark.pairs)
    Console(width=150).print(table_of(lines))
    Console(width=150).print(facts)
    if given.json:
        given.json.write_text(json.dumps({"lines": [*map(asdict, lines)], "runs": facts}, indent=1) + "\n", "utf-8")


def learned(name: str, seed: int, folder: Path, arms: Sequence[str], progress: Progress) -> RunFolder:
    """A finished run of a seed, with its teams for comparison where the arms ask for them."""
    progress.say(f"{name}, seed {seed}")
    learn(load_task(TASKS[name] / "task.yaml", {"seed": seed}), folder, progress)
    run = open_run(folder)
    if "ablations" in arms:
        train_teams(run, ABLATIONS, progress)
        with locked(run.path):
            train_team(REFLECT_ALONE.id, Variant({}, {}, ("reflect",)), run, progress)
            train_team(SCRIPTED.id, scripted(run, choice=name == "atlas_choice"), run, progress)
    return run


def scripted(run: RunFolder, choice: bool) -> Variant:
    """What `scripted` is trained on: as many right plays of the script as SCRIPTS, on training countries.

    Its verdicts are learned from plays of a script that does not always know, since one that does is never wrong.
    """
    world, rng = atlas(), random.Random(run.task.learn.seed)
    corpus, tools = world.corpus(), tuple(run.tools)
    pairs: dict[str, QAPair] = {}
    kept: list[Scored] = []
    judged: list[Scored] = []
    for number in range(SCRIPTS):
        thing = rng.choice(split(world)["train"])
        put = (
            rng.choice(list(all_put(world, thing)))
            if choice
            else put_plainly(world, rng.choice([*questions(world, thing)]))
        )
        pair = replace(_pair(put), id=f"script-{number}")
        pairs[pair.id] = pair
        for knowing, into in ((1.0, kept), (KNOWS_THE_WORLD, judged), (KNOWS_THE_WORLD, judged)):
            steps = play(world, corpus, put, tools, rng, knowing)
            answer = [step.argument for step in steps if step.tool == FINISH][-1]
            name = f"{pair.id}/{len(into)}"
            trajectory = Trajectory(name, pair.id, steps, answer, "answered")
            into.append(Scored(trajectory, reward_of(answer, pair)))
    right = [scored for scored in kept if scored.reward.value == 1]
    made = role_examples(brief_for(run), tuple(pairs.values()), judged, right, run.task.learn)
    return Variant({role: trainable(items) for role, items in made.items()}, {role: role for role in ROLES})


def _pair(put: Put) -> QAPair:
    return choice_pair(atlas(), put) if put.choices else pair_of(atlas(), _asked(put))


def _asked(put: Put) -> Asked:
    assert isinstance(put.asked, Asked)
    return put.asked


def measured(
    run: RunFolder, benchmark: Benchmark, arms: Sequence[str], progress: Progress
) -> dict[str, dict[str, float]]:
    """Method → question → reward."""
    found: dict[str, dict[str, float]] = {}
    greedy = choose_methods(",".join(MAIN), run.teams()).methods if "main" in arms else ()
    if "ablations" in arms:
        greedy = (*greedy, *choose_methods(",".join(ABLATIONS), run.teams()).methods, REFLECT_ALONE, SCRIPTED)
    if greedy:
        for name, records in _played(run, benchmark, greedy, Options(), progress).items():
            found[name] = {question: plays[0].reward.value for question, plays in plays_of(records).items()}
    if "sampled" in arms:
        methods = choose_methods(",".join(SAMPLED), run.teams()).methods
        options = Options(epochs=EPOCHS, temperature=TEMPERATURE)
        for name, records in _played(run, benchmark, methods, options, progress).items():
            found[f"{name}, T = {TEMPERATURE}"] = {q: _mean(plays) for q, plays in plays_of(records).items()}
        votes = _played(run, benchmark, methods[:1], replace(options, epochs=VOTES), progress)
        pairs = {pair.id: pair for pair in benchmark.pairs}
        found[f"zero-shot, majority of {VOTES}"] = {
            question: reward_of(majority(plays), pairs[question]).value
            for question, plays in plays_of(votes[SAMPLED[0]]).items()
        }
    return found


def _played(
    run: RunFolder, benchmark: Benchmark, methods: Sequence[Method], options: Options, progress: Progress
) -> Mapping[str, Sequence[Scored]]:
    trial = prepare(run, benchmark, methods, options)
    with locked(trial.folder):
        return {played.method.id: played.records for played in play_methods(run, trial, methods, progress)}


def _mean(plays: Sequence[Scored]) -> float:
    return fmean(play.reward.value for play in plays)


def majority(plays: Sequence[Scored]) -> str:
    """The answer that most plays gave, the first of equals."""
    answers = [play.trajectory.answer or "" for play in plays]
    counts = Counter(map(normalize, answers))
    return max(answers, key=lambda answer: counts[normalize(answer)])


def lines_of(rewards: Mapping[str, Sequence[Mapping[str, float]]], pairs: Sequence[QAPair]) -> list[Line]:
    """A line a method; a question's reward is its mean over the seeds."""
    country = {pair.id: _country(pair) for pair in pairs}
    means = {
        name: {question: fmean(seed[question] for seed in seeds) for question in seeds[0]}
        for name, seeds in rewards.items()
    }

    def against(name: str, other: str) -> tuple[float, Interval] | None:
        if other not in means or name == other:
            return None
        gaps = {question: value - means[other][question] for question, value in means[name].items()}
        return fmean(gaps.values()), clustered(gaps, country)

    return [
        Line(
            name,
            [fmean(seed.values()) for seed in rewards[name]],
            fmean(values.values()),
            clustered(values, country),
            against(name, "zero-shot"),
            against(name, "autoact"),
        )
        for name, values in means.items()
    ]


def clustered(values: Mapping[str, float], cluster: Mapping[str, str]) -> Interval:
    """The 95% bootstrap interval of a mean, resampling whole clusters."""
    groups: dict[str, list[float]] = {}
    for name, value in values.items():
        groups.setdefault(cluster[name], []).append(value)
    return bootstrap([fmean(group) for group in groups.values()], seed=0, sizes=[*map(len, groups.values())])


def _country(pair: QAPair) -> str:
    """Whom a question is about: its id begins with the country, but for members of a group, where the answer is it."""
    return pair.answer.casefold() if pair.level == "member" else pair.id.partition("-")[0]


def facts_of(run: RunFolder, benchmark: Benchmark, arms: Sequence[str], progress: Progress) -> dict[str, Any]:
    """What else is claimed of a run: its questions, its verdicts on first answers, its tools, its time."""
    methods = choose_methods("autoact", run.teams()).methods
    if "ablations" in arms:
        methods = (*methods, REFLECT_ALONE)
    played, report = _played(run, benchmark, methods, Options(), progress), read_json(run.path / "report.json")
    judged = {name: judged_by(records, benchmark.pairs) for name, records in played.items()}
    return {
        **question_facts(list(Store(run.path / "questions.jsonl", QAPair))),
        "kept": report["trajectories"]["kept"],
        "verdicts": {name: asdict(reflection.first) for name, reflection in judged.items() if reflection},
        "tools usable": f"{usable_selections(run)} of {SHUFFLES}",
        "seconds": round(sum(report["seconds"].values())),
    }


def table_of(lines: Sequence[Line]) -> Table:
    """The table that docs/atlas.md shows."""
    table = Table("", "by seed", "reward", "95%", "− zero-shot", "95%", "− team", "95%")
    for line in lines:
        gaps = [text for gap in (line.to_zero_shot, line.to_team) for text in _gap(gap)]
        seeds = " / ".join(f"{value:.3f}" for value in line.seeds)
        table.add_row(line.name, seeds, f"{line.reward:.3f}", _span(line.interval), *gaps)
    return table


def _gap(gap: tuple[float, Interval] | None) -> tuple[str, str]:
    return (f"{gap[0]:+.3f}", _span(gap[1])) if gap else ("", "")


def _span(interval: Interval) -> str:
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]"


if __name__ == "__main__":
    main()
