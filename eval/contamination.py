"""Whether a run has learned from the questions that it is measured on, and from where.

    found = contaminated(benchmark, learned_from(run, shots))
    found.ids                      # ("q17", "q3")
    found.sources                  # {"the synthetic questions": ("q17",), "rounds/01/plan.jsonl": ("q17", "q3")}
    refuse_contaminated(benchmark, found)

Questions are compared as core/contamination.py does: exactly but for case, spacing, articles and punctuation. Of
training data the first user turn is compared, as prompts/render.py writes it, and nothing is read back from it. A
paraphrase is not found, nor a question with choices that was trained on with another caption or text of its picture,
nor what the base model was trained on before it came here.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoact.core.contamination import plain_words, question_key
from autoact.core.errors import RunError
from autoact.core.records import ROLES, Demonstration, QAPair, Question
from autoact.core.store import Store
from autoact.eval.benchmark import Benchmark
from autoact.graph.run_folder import TEAM, RunFolder
from autoact.prompts.render import choices_text, question_text

LABEL = "Question: "


@dataclass(frozen=True, slots=True)
class Learned:
    """A question that was learned from or shown, or the chat turn that asks it, and where it stands."""

    source: str
    asked: Question | str


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
    own = [path for role in ROLES for end in ("", ".pairs") for path in run.path.glob(f"rounds/*/{role}{end}.jsonl")]
    for path in sorted([*own, *run.path.glob("teams/*/*.jsonl")]):
        yield from (Learned(str(path.relative_to(run.path)), turn) for turn in _trained_on(path))


def contaminated(benchmark: Benchmark, learned: Iterable[Learned]) -> Contamination:
    """Which of the benchmark's questions are among those learned."""
    by_key, by_turn = defaultdict(list), defaultdict(list)
    for pair in benchmark.pairs:
        by_key[question_key(pair.shown())].append(pair)
        by_turn[_unordered(plain_words(_turn(pair)))].append(pair)
    found: dict[str, set[str]] = {}
    for item in learned:
        asked = item.asked
        same = by_key.get(question_key(asked), ()) if isinstance(asked, Question) else _asked_in(asked, by_turn)
        if names := {pair.id for pair in same}:
            found.setdefault(item.source, set()).update(names)
    order = [pair.id for pair in benchmark.pairs]
    sources = {source: tuple(name for name in order if name in names) for source, names in found.items()}
    every = set().union(*found.values())
    return Contamination(tuple(name for name in order if name in every), sources)


def unchecked(run: RunFolder) -> tuple[str, ...]:
    """A note for a report on the adapters of a run whose training data is not there, if there are any."""
    missing: set[str] = set()
    for folder, name in ((run.path / "rounds", TEAM), *((run.path / "teams" / name, name) for name in run.teams())):
        own = run.team.adapters.values() if name != TEAM else ()  # what a team shares is checked as the run's
        adapters = {Path(path).name for path in run.team_of(name).adapters.values() if path not in own}
        there = {path.stem for path in folder.glob("*/*.jsonl" if name == TEAM else "*.jsonl")}
        missing |= {adapter for adapter in adapters if adapter.rpartition("-")[0] not in there}
    names = ", ".join(sorted(missing))
    return (f"the training data of {names} is not here, so it was not checked",) if missing else ()


def refuse_contaminated(benchmark: Benchmark, found: Contamination) -> None:
    """Raises RunError, saying how many come from where and naming the first, unless there is none."""
    if found.ids:
        first = next(pair for pair in benchmark.pairs if pair.id == found.ids[0])
        where = ", ".join(f"{len(ids)} in {source}" for source, ids in found.sources.items())
        raise RunError(
            f"{len(found.ids)} of {len(benchmark.pairs)} questions of {benchmark.name} were learned from ({where}), "
            f"such as {first.id}: {first.question!r:.120}; use others, or --allow-contaminated to report it"
        )


def _asked_in(turn: str, by_turn: Mapping[str, Sequence[QAPair]]) -> Iterator[QAPair]:
    """The questions that a chat's turn asks: as the whole turn, or from one of its lines `Question: …` to its end.

    Up to the choices the words must be in order; after that they may not be, as choices may be shuffled.
    """
    for start in (0, *(label.end() - len(LABEL) for label in re.finditer(f"\n{LABEL}", turn))):
        words = plain_words(turn[start:])
        for pair in by_turn.get(_unordered(words), ()):
            stem = plain_words(_turn(pair).removesuffix(choices_text(pair.choices)))
            if words[: len(stem)] == stem:
                yield pair


def _turn(pair: QAPair) -> str:
    """How a question is asked; without choices it is the same question whatever comes with it."""
    return question_text(pair.shown() if pair.choices else Question(pair.question))


def _unordered(words: Sequence[str]) -> str:
    return " ".join(sorted(words))


def _trained_on(path: Path) -> Iterator[str]:
    """The first user turns of a file of training examples, each once. Raises RunError naming the line."""
    known: set[str] = set()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):  # a write that a kill cut short
                return
            text = _asked(path, number, line)
            if text not in known:
                known.add(text)
                yield text


def _asked(path: Path, number: int, line: bytes) -> str:
    """The first user turn of an example, or of the chat that a preference is about."""
    try:
        data = json.loads(line)
        turns = data["prompt"] if "prompt" in data else data["messages"]
        return str(next((turn["content"] for turn in turns if turn["role"] == "user"), ""))
    except (ValueError, KeyError, TypeError) as problem:
        raise RunError(f"{path} line {number} is no training example ({problem}); restore the file") from None
