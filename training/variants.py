"""What the teams for comparison are trained on, made from what a run has played.

    one-agent        all three roles' examples, for one adapter that speaks in all        Table 3 "- multi", Fig. 4
    no-filtering     as many trajectories as were kept, right or wrong                    Table 3 "- filtering"
    tool-agents      the tool role's inputs apart, an adapter for each tool               Fig. 4
    fireact          whole kept trajectories, for one agent that thinks and acts          Table 2
    trajectories-50  fifty of the kept ones; a larger number holds those of a smaller     Fig. 3 a–c
    student-b        the kept trajectories of the run in folder b                         Fig. 3 d–f

All but no-filtering and the students learn from the trajectories, or some of them, that the run's own team learned
from, so that a comparison differs in one thing. What the run holds out is held out here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from autoact.core.errors import RunError
from autoact.core.records import FINISH, REFLECT, ROLES, Example, Message, QAPair, Scored, Step
from autoact.core.seeds import seed_of
from autoact.core.store import Store
from autoact.graph.run_folder import RunFolder
from autoact.graph.setup import brief_of
from autoact.prompts.parse import parse_verdict
from autoact.prompts.react import react_chat
from autoact.prompts.render import Brief
from autoact.prompts.template import fill
from autoact.tools.toolbox import chosen_tools
from autoact.training.examples import is_held_out, role_examples, trainable
from autoact.training.filtering import keep
from autoact.training.verification import Verified, truths

ONE, FIREACT = "all", "fireact"


@dataclass(frozen=True, slots=True)
class Variant:
    """Adapter → what it is trained on; role → the adapter that speaks in it; the roles of the run's own adapters."""

    examples: Mapping[str, list[Example]]
    roles: Mapping[str, str]
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Played:
    """What a run has played, and what it makes of it.

    truths: the questions whose answers were verified, with these answers; known: their trajectories.
    """

    pairs: Mapping[str, QAPair]
    truths: list[QAPair]
    trajectories: tuple[Scored, ...]
    known: list[Scored]
    kept: tuple[Scored, ...]
    examples: Mapping[str, list[Example]]


def played(run: RunFolder) -> Played:
    """What the rounds up to the team's have brought; of the examples, those that its round trained on."""
    pairs = {pair.id: pair for pair in Store(run.path / "questions.jsonl", QAPair)}
    places = {name: place for place, name in enumerate(pairs)}
    brought = [_brought(run, number, list(pairs.values())) for number in range(run.team.round + 1)]
    # On disk they are in the order in which they ended, which no two runs share.
    trajectories = sorted(
        (scored for each in brought for scored in each.trajectories),
        key=lambda scored: (places[scored.trajectory.question_id], int(scored.id.rpartition("/")[2])),
    )
    order = {scored.id: place for place, scored in enumerate(trajectories)}
    return Played(
        pairs,
        list({pair.id: pair for each in brought for pair in each.truths}.values()),
        tuple(trajectories),
        sorted((scored for each in brought for scored in each.known), key=lambda scored: order[scored.id]),
        tuple(scored for each in brought for scored in each.kept),
        {role: trainable(Store(run.round_folder() / f"{role}.jsonl", Example)) for role in ROLES},
    )


class _Brought(NamedTuple):
    """What one round has played, and what it makes of it."""

    truths: list[QAPair]
    trajectories: list[Scored]
    known: list[Scored]
    kept: list[Scored]


def _brought(run: RunFolder, number: int, questions: Sequence[QAPair]) -> _Brought:
    folder = run.round_folder(number)
    trajectories = list(Store(folder / "trajectories.jsonl", Scored))
    verified = list(Store(folder / "verified.jsonl", Verified))
    known = keep(run.task.learn, verified, questions, trajectories).known
    return _Brought(truths(questions, verified), trajectories, known, list(Store(folder / "kept.jsonl", Scored)))


def one_agent(run: RunFolder) -> Variant:
    """The examples of the three roles, unchanged, together; it speaks in the roles that the run has adapters for."""
    made = [replace(e, id=f"{role}/{e.id}", role=ONE) for role, items in played(run).examples.items() for e in items]
    return Variant({ONE: made}, dict.fromkeys(run.team.adapters, ONE))


def no_filtering(run: RunFolder) -> Variant:
    """Plan and tool on a sample of all trajectories, as large as what the run's own were trained on."""
    known, config = played(run), run.task.learn
    # What was not played on whole prompts, or not to an end, is no trajectory; that is not the filter's doing.
    whole = [s.trajectory for s in known.trajectories if not s.trajectory.shortened and s.trajectory.status != "error"]
    free = [each.id for each in whole if not is_held_out(each.question_id, config.held_out, config.seed)]
    chosen = drawn(free, len(known.examples["plan"]), config.seed, "no-filtering")
    sample = [scored for scored in known.trajectories if scored.id in chosen]
    made = role_examples(brief_for(run), tuple(known.pairs.values()), (), sample, config)
    return _by_role({role: trainable(made[role]) for role in ("plan", "tool")}, ("reflect",))


def tool_agents(run: RunFolder) -> Variant:
    """An adapter for each tool; the base writes the input of one that no kept trajectory uses."""
    inputs = played(run).examples["tool"]
    made = {f"tool:{tool}": trainable(of_tool(item, tool) for item in inputs) for tool in (*run.tools, FINISH)}
    return _by_role(made, ("plan", "reflect"))


def fireact(run: RunFolder) -> Variant:
    """One adapter on the chat of `graph/react.py`, the loss on every turn of the agent's."""
    known, brief = played(run), brief_for(run)
    learned = {item.id for item in known.examples["plan"]}
    kept = [scored for scored in known.kept if scored.id in learned]
    made = [react_example(brief, known.pairs[scored.trajectory.question_id], scored) for scored in kept]
    return Variant({FIREACT: made}, {"plan": FIREACT})


def sized(run: RunFolder, count: int) -> Variant:
    """The three roles on `count` kept trajectories; of the verdicts the same share, right and wrong alike.

    Raises RunError when fewer were kept.
    """
    examples, seed = played(run).examples, run.task.learn.seed
    there = [item.id for item in examples["plan"]]
    if not 0 < count <= len(there):
        raise RunError(f"{run.path} has {len(there)} kept trajectories to train on; {count} cannot be drawn from them")
    by_verdict: dict[str, list[str]] = {}
    for item in examples["reflect"]:
        by_verdict.setdefault(parse_verdict(item.messages[-1].content).verdict, []).append(item.id)
    some = [drawn(ids, round(len(ids) * count / len(there)), seed, "sized") for ids in by_verdict.values()]
    chosen = {"plan": drawn(there, count, seed, "sized"), "reflect": frozenset[str]().union(*some)}
    chosen["tool"] = chosen["plan"]
    return _by_role({role: [item for item in examples[role] if item.id in chosen[role]] for role in ROLES})


def student(run: RunFolder, teacher: RunFolder) -> Variant:
    """The three roles on another run's trajectories, in this run's words. Raises RunError when the tools differ."""
    if sorted(run.tools) != sorted(teacher.tools):
        raise RunError(
            f"--from {teacher.path} selected the tools {', '.join(teacher.tools)}, and {run.path} "
            f"{', '.join(run.tools)}; a student needs a teacher with its own tools"
        )
    known = played(teacher)
    made = role_examples(brief_for(run), known.truths, known.known, known.kept, run.task.learn)
    return _by_role({role: trainable(items) for role, items in made.items()})


def _by_role(examples: Mapping[str, list[Example]], own: tuple[str, ...] = ()) -> Variant:
    """Each adapter speaks in the role that it is named for."""
    return Variant(examples, {role: role for role in examples}, own)


def react_example(brief: Brief, pair: QAPair, scored: Scored) -> Example:
    """A trajectory as one agent would have told it."""
    turns = react_chat(brief, pair.shown(), without_reflection(scored.trajectory.steps))
    messages = tuple(Message(turn.role, turn.text, learn=turn.role == "assistant") for turn in turns)
    return Example(scored.id, FIREACT, messages)


def without_reflection(steps: Iterable[Step]) -> list[Step]:
    """The steps without verdicts, and without the answers before the last, which only a verdict could have undone."""
    acts = [step for step in steps if step.tool != REFLECT]
    return [step for step in acts[:-1] if step.tool != FINISH] + acts[-1:]


def of_tool(item: Example, tool: str) -> Example:
    """An example of the tool role with only the inputs of one tool marked."""
    request = fill("input", tool=tool)
    before = ("", *(message.content for message in item.messages))
    pairs = zip(item.messages, before, strict=False)
    messages = tuple(replace(message, learn=message.learn and asked == request) for message, asked in pairs)
    return replace(item, role=f"tool:{tool}", messages=messages)


def drawn(ids: Iterable[str], count: int, seed: int, name: str) -> frozenset[str]:
    """`count` of the ids by lot; a larger number holds all that a smaller one does."""
    return frozenset(sorted(ids, key=lambda each: (seed_of(seed, name, each), each))[:count])


def brief_for(run: RunFolder) -> Brief:
    """What a run's agents read of its task and tools."""
    return brief_of(run.task.description, chosen_tools(run.task, run.tools))
