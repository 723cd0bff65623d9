"""Whether a run has learned from the questions that it is measured on, and from where.

    found = contaminated(benchmark, learned_from(run, shots))
    found.ids                      # ("q17", "q3")
    found.sources                  # {"the synthetic questions": ("q17",), "rounds/00/plan.jsonl": ("q17", "q3")}
    refuse_contaminated(benchmark, found)

Questions are compared as core/contamination.py does: exactly but for case, spacing, articles and punctuation. A
paraphrase is not found, and neither is what the base model was trained on before it came here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoact.core.contamination import question_key
from autoact.core.errors import RunError
from autoact.core.records import ROLES, Demonstration, QAPair, Question
from autoact.core.store import Store
from autoact.eval.benchmark import Benchmark
from autoact.graph.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Learned:
    """A question that was learned from or shown, and where it stands."""

    source: str
    question: Question


@dataclass(frozen=True, slots=True)
class Contamination:
    """The benchmark's questions that were learned from: their ids in its order, and by source."""

    ids: tuple[str, ...]
    sources: Mapping[str, tuple[str, ...]]


def learned_from(run: RunFolder, shots: Sequence[Demonstration] = ()) -> Iterator[Learned]:
    """All that a run's models have learned from or are shown; its adapters' training data one line at a time."""
    yield from (Learned("the task's examples", pair.shown()) for pair in run.task.seeds())
    yield from (Learned("the demonstrations", shot.question) for shot in shots)
    for pair in Store(run.path / "questions.jsonl", QAPair):
        yield Learned("the synthetic questions", pair.shown())
    own = [path for role in ROLES for path in run.path.glob(f"rounds/*/{role}.jsonl")]
    for path in sorted([*own, *run.path.glob("teams/*/*.jsonl")]):
        yield from (Learned(str(path.relative_to(run.path)), question) for question in _trained_on(path))


def contaminated(benchmark: Benchmark, learned: Iterable[Learned]) -> Contamination:
    """Which of the benchmark's questions are among those learned."""
    ids: dict[str, list[str]] = {}
    for pair in benchmark.pairs:
        ids.setdefault(question_key(pair.shown()), []).append(pair.id)
    found: dict[str, set[str]] = {}
    for item in learned:
        if same := ids.get(question_key(item.question)):
            found.setdefault(item.source, set()).update(same)
    order = [pair.id for pair in benchmark.pairs]
    sources = {source: tuple(name for name in order if name in names) for source, names in found.items()}
    every = set().union(*found.values())
    return Contamination(tuple(name for name in order if name in every), sources)


def refuse_contaminated(benchmark: Benchmark, found: Contamination) -> None:
    """Raises RunError, saying how many come from where and naming the first, unless there is none."""
    if found.ids:
        first = next(pair for pair in benchmark.pairs if pair.id == found.ids[0])
        where = ", ".join(f"{len(ids)} in {source}" for source, ids in found.sources.items())
        raise RunError(
            f"{len(found.ids)} of {len(benchmark.pairs)} questions of {benchmark.name} were learned from ({where}), "
            f"such as {first.id}: {first.question!r:.120}; use others, or --allow-contaminated to report it"
        )


def asked_in(text: str) -> Question | None:
    """The question that a chat's user turn asks, as prompts/render.py writes one; None when it asks none."""
    before, asks, rest = f"\n{text}".rpartition("\nQuestion: ")
    if not asks:
        return None
    question, _, listed = rest.partition("\nChoices: ")
    context = re.split(r"\n(?:Caption|Ocr): ", before.partition("\nContext: ")[2])[0]
    return Question(question, _choices(listed), context)


def _choices(listed: str) -> tuple[str, ...]:
    """Options out of `(A) gas (B) solid`: each mark is the next letter's."""
    choices: list[str] = []
    more, rest = listed, listed.removeprefix("(A) ")
    while more:
        choice, more, rest = rest.partition(f" ({chr(ord('B') + len(choices))}) ")
        choices.append(choice)
    return tuple(choices)


def _trained_on(path: Path) -> Iterator[Question]:
    """The questions of a file of training examples, each once. Raises RunError naming the line."""
    known: set[str] = set()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = _asked(path, number, line)
            if text not in known:
                known.add(text)
                if question := asked_in(text):
                    yield question


def _asked(path: Path, number: int, line: bytes) -> str:
    """The first user turn of an example."""
    try:
        turns = json.loads(line)["messages"]
        return str(next((turn["content"] for turn in turns if turn["role"] == "user"), ""))
    except (ValueError, KeyError, TypeError) as problem:
        raise RunError(f"{path} line {number} is no training example ({problem}); restore the file") from None
