"""The text the seed model was trained on, as token rows with a mark on what is learned.

    row = next(rows)       # Row(ids=[…640…], learn=[…640…])

Four kinds of lesson, each in the project's own prompts: scripted play in invented worlds (the model's turns are
learned), lists of question–answer pairs about Earth's training countries in the self-instruct form, the pages of
Earth's encyclopedia (of all countries, as an encyclopedia is in any model), and tool selections. No question,
pair or play about a held-out country is among them, and no play on Earth at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from autoact.core.records import Question, Step, ToolCard
from autoact.core.seeds import seed_of
from autoact.examples.atlas.atlas import atlas, known, split
from autoact.examples.atlas.invented import invented
from autoact.examples.atlas.play import play
from autoact.examples.atlas.world import World, pair_of, question_of, questions
from autoact.models.chat_format import to_ids
from autoact.prompts.render import Brief, Turn, conversation, instruct_chat, pair_text, select_chat
from autoact.tools.library import FINISH_CARD, build_tools, card

LENGTH = 640
SHARES = {"play": 0.8, "pairs": 0.1, "pages": 0.06, "selection": 0.04}
TASK_NAME = "Atlas"
ARITHMETIC = (
    "Solve word problems with numbers. An answer is one number.",
    "Compute the value of an expression. An answer is one number.",
    "Answer questions about prices, ages and distances by calculation. An answer is one number.",
)
TOOLS = ("Search", "Retrieve", "Lookup", "Calculator")
WANTED = ("Retrieve", "Lookup", "Search")


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids and, for each, whether it is learned."""

    ids: list[int]
    learn: list[bool]


class Lessons:
    """Rows of tokens, the same for the same seed and step whatever came before."""

    def __init__(self, tokenizer: Any, seed: int) -> None:
        self.tokenizer = tokenizer
        self.seed = seed
        self._ids = cache(self._turn_ids)

    def batch(self, step: int, rows: int) -> list[Row]:
        """The rows of one training step; its play is in two invented worlds."""
        rng = random.Random(seed_of(self.seed, "lessons", step))
        plays = [plays_in(invented(rng), rng) for _ in range(2)]
        kinds = rng.choices(list(SHARES), list(SHARES.values()), k=rows)
        return [self._row(kind, plays[i % 2], rng) for i, kind in enumerate(kinds)]

    def _row(self, kind: str, play_turns: Iterator[list[Turn]], rng: random.Random) -> Row:
        if kind == "play":
            return next(row for row in map(self.chat, play_turns) if len(row.ids) <= LENGTH)
        makers: dict[str, Callable[[random.Random], Row]] = {
            "pairs": lambda r: self.chat(pairs_lesson(r)),
            "pages": self._page,
            "selection": lambda r: self.chat(selection_lesson(r)),
        }
        row = Row([], [])
        while len(row.ids) < LENGTH:
            more = makers[kind](rng)
            row = Row(row.ids + more.ids, row.learn + more.learn)
        return Row(row.ids[:LENGTH], row.learn[:LENGTH])

    def chat(self, turns: Sequence[Turn]) -> Row:
        """A conversation with the model's turns marked."""
        ids: list[int] = []
        learn: list[bool] = []
        for turn in turns:
            new = self._ids(turn.role, turn.text)
            ids += new
            learn += [False] + [turn.role == "assistant"] * (len(new) - 1)
        return Row(ids, learn)

    def _turn_ids(self, role: str, text: str) -> list[int]:
        # The seed model's template writes each turn on its own, so turns can be tokenised one by one.
        return to_ids(self.tokenizer, [{"role": role, "content": text}], generate=False)

    def _page(self, rng: random.Random) -> Row:
        ids = self._ids("user", rng.choice(earth_pages()))
        return Row(list(ids), [False] + [True] * (len(ids) - 1))


def plays_in(world: World, rng: random.Random) -> Iterator[list[Turn]]:
    """Conversations about random questions in a world, each with tools of its own; endless."""
    corpus = world.corpus()
    while True:
        tools = ["Retrieve", *(n for n in ("Lookup", "Search", "Calculator") if rng.random() < 0.8)]
        rng.shuffle(tools)
        asked = rng.choice(list(questions(world, rng.choice(world.things))))
        steps: tuple[Step, ...] = play(world, corpus, asked, tuple(tools), rng)
        brief = Brief(world.description(), (*(_cards()[name] for name in tools), FINISH_CARD))
        yield conversation(brief, Question(question_of(world, asked)), steps)


def pairs_lesson(rng: random.Random) -> list[Turn]:
    """A self-instruct prompt about Earth with its reply."""
    count = rng.randint(4, 6)
    pairs = rng.sample(_known_pairs(), count + rng.randint(2, 5))
    world = atlas()
    turns = instruct_chat(TASK_NAME, world.description(), pairs[count:], count)
    return [*turns, Turn("plan", "\n\n".join(pair_text(pair) for pair in pairs[:count]))]


def selection_lesson(rng: random.Random) -> list[Turn]:
    """A tool selection prompt with its reply: pages to read want the reading tools, numbers the calculator."""
    offered = rng.sample(TOOLS, len(TOOLS) if rng.random() < 0.7 else 3)
    limit = rng.randint(2, 4)
    wanted = [name for name in WANTED if name in offered][:limit]
    name, description = f"Task {rng.randint(1, 99)}", invented(rng).description()
    if rng.random() < 0.3 and "Calculator" in offered:
        description, wanted = rng.choice(ARITHMETIC), ["Calculator"]
    turns = select_chat(name, description, [_cards()[tool] for tool in offered], limit)
    return [*turns, Turn("plan", "\n".join(wanted))]


@cache
def _cards() -> dict[str, ToolCard]:
    from autoact.examples.atlas.atlas import FOLDER

    return {tool.name: card(tool) for tool in build_tools(TOOLS, FOLDER / "corpus.jsonl")}


@cache
def _known_pairs() -> list[Any]:
    world = atlas()
    asked = [a for thing in split(world)["train"] for a in questions(world, thing)]
    return [pair_of(world, a) for a in asked if known(world, a)]


@cache
def earth_pages() -> list[str]:
    return [f"{page.title}: {page.text}" for page in atlas().corpus().pages]
