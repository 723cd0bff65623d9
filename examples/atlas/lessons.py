"""The text the seed model was trained on, as token rows with a mark on what is learned.

    row = next(rows)       # Row(ids=[…640…], learn=[…640…])

Four kinds of lesson, each in the project's own prompts: scripted play in invented worlds (the model's turns are
learned), lists of question–answer pairs about Earth's training countries in the self-instruct form, an almanac of these
countries, and tool selections. Of a country that is held out there is nothing but names, and no play on Earth at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from autoact.core.records import REFLECT, QAPair, ToolCard
from autoact.core.seeds import seed_of
from autoact.examples.atlas.atlas import atlas, known, split
from autoact.examples.atlas.choice import Put, all_put, choice_pair, put_choice, put_member, put_plainly
from autoact.examples.atlas.invented import invented
from autoact.examples.atlas.play import play
from autoact.examples.atlas.world import World, pair_of, questions
from autoact.models.chat_format import to_ids
from autoact.prompts.render import Brief, Turn, conversation, instruct_chat, pair_text, select_chat
from autoact.tools.library import FINISH_CARD, build_tools, card

LENGTH = 640
SHARES = {"play": 0.73, "pairs": 0.13, "almanac": 0.08, "selection": 0.06}
# How many of plays, pairs and descriptions have choices; how many of those ask for a member of a group; how many lists
# of pairs are learned whole: of the others the answers alone are, so that facts are remembered and not questions.
CHOICE, MEMBER, WHOLE = 0.35, 0.25, 0.15
# How many of the plays in which nothing was doubted are told: what to do after a doubt is rare, and hard to learn.
UNDOUBTED = 0.5
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
        self._break = tokenizer.tokenize("\n")[0]

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
            "pairs": self._pairs,
            "almanac": self._almanac,
            "selection": lambda r: self.chat(selection_lesson(r)),
        }
        row = Row([], [])
        while len(row.ids) < LENGTH:
            more = makers[kind](rng)
            row = Row(row.ids + more.ids, row.learn + more.learn)
        return Row(row.ids[:LENGTH], row.learn[:LENGTH])

    def chat(self, turns: Sequence[Turn], whole: bool = True) -> Row:
        """A conversation with the model's turns marked, or of these what stands behind `Answer:`."""
        ids: list[int] = []
        learn: list[bool] = []
        for turn in turns:
            new = self._ids(turn.role, turn.text)
            ids += new
            if turn.role != "assistant" or whole:
                learn += [False] + [turn.role == "assistant"] * (len(new) - 1)
            else:
                learn += self._answers(new)
        return Row(ids, learn)

    def _answers(self, ids: list[int]) -> list[bool]:
        """The tokens behind `Answer:`, to the end of the line and with it."""
        texts: list[str] = self.tokenizer.convert_ids_to_tokens(ids)
        learn, inside = [], False
        for number, text in enumerate(texts):
            learn.append(inside)
            begins = text == ":" and texts[number - 1] == "Answer"
            inside = self._break not in text if inside else begins
        return learn

    def _turn_ids(self, role: str, text: str) -> list[int]:
        # The seed model's template writes each turn on its own, so turns can be tokenised one by one.
        return to_ids(self.tokenizer, [{"role": role, "content": text}], generate=False)

    def _pairs(self, rng: random.Random) -> Row:
        return self.chat(pairs_lesson(rng, rng.random() < CHOICE), rng.random() < WHOLE)

    def _almanac(self, rng: random.Random) -> Row:
        ids = self._ids("user", almanac(rng))
        return Row(list(ids), [False] + [True] * (len(ids) - 1))


def plays_in(world: World, rng: random.Random) -> Iterator[list[Turn]]:
    """Conversations about random questions in a world, each with tools of its own; endless."""
    corpus = world.corpus()
    while True:
        tools = ["Retrieve", *(n for n in ("Lookup", "Search", "Calculator") if rng.random() < 0.85)]
        rng.shuffle(tools)
        put = _any_put(world, rng)
        steps = play(world, corpus, put, tuple(tools), rng)
        if not any(step.argument == "wrong" for step in steps if step.tool == REFLECT) and rng.random() > UNDOUBTED:
            continue
        brief = Brief(world.description(bool(put.choices)), (*(_cards()[name] for name in tools), FINISH_CARD))
        yield conversation(brief, put.shown(), steps)


def _any_put(world: World, rng: random.Random) -> Put:
    thing = rng.choice(world.things)
    if rng.random() < CHOICE * MEMBER:
        return put_member(world, thing, rng.randrange(100))
    asked = rng.choice(list(questions(world, thing)))
    return put_choice(world, asked) if rng.random() < CHOICE else put_plainly(world, asked)


def pairs_lesson(rng: random.Random, choice: bool = False) -> list[Turn]:
    """A self-instruct prompt about Earth with its reply."""
    count = rng.randint(4, 6)
    pairs = rng.sample(known_pairs(choice), count + rng.randint(2, 5))
    fields = {"context": True, "choices": True} if choice else None
    name, text = ("Atlas choice" if choice else "Atlas"), atlas().description(choice)
    turns = instruct_chat(name, text, pairs[count:], count, fields=fields)
    return [*turns, Turn("plan", "\n\n".join(pair_text(pair) for pair in pairs[:count]))]


def selection_lesson(rng: random.Random) -> list[Turn]:
    """A tool selection prompt with its reply: pages to read want the reading tools, numbers the calculator."""
    offered = rng.sample(TOOLS, len(TOOLS) if rng.random() < 0.7 else 3)
    limit = rng.randint(2, 4)
    wanted = [name for name in WANTED if name in offered][:limit]
    name, description = f"Task {rng.randint(1, 99)}", invented(rng).description(rng.random() < CHOICE)
    if rng.random() < 0.3 and "Calculator" in offered:
        description, wanted = rng.choice(ARITHMETIC), ["Calculator"]
    turns = select_chat(name, description, [_cards()[tool] for tool in offered], limit)
    return [*turns, Turn("plan", "\n".join(wanted))]


def almanac(rng: random.Random) -> str:
    """What is so of a country that questions are learned from, in an order drawn by lot."""
    world = atlas()
    thing = rng.choice(split(world)["train"])
    told = [f"The {relation} of {thing.name} is {value}." for relation, value in thing.facts.items()]
    told += [f"{thing.facts[place]} is the {place} of {thing.name}." for place in world.places]
    told += [f"{thing.name} is a {world.kind} in {thing.group}."]
    return " ".join(rng.sample(told, len(told)))


@cache
def _cards() -> dict[str, ToolCard]:
    from autoact.examples.atlas.atlas import FOLDER

    return {tool.name: card(tool) for tool in build_tools(TOOLS, FOLDER / "corpus.jsonl")}


@cache
def known_pairs(choice: bool) -> list[QAPair]:
    """The pairs about training countries that the seed model was shown."""
    world = atlas()
    things = split(world)["train"]
    if choice:
        pairs = [choice_pair(world, put) for thing in things for put in all_put(world, thing)]
    else:
        pairs = [pair_of(world, asked) for thing in things for asked in questions(world, thing)]
    return [pair for pair in pairs if known(pair)]
