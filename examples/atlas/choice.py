"""Questions as they are put: in words alone, or with a context and choices, in the shape of ScienceQA.

    put_choice(world, Asked(peru, "currency", via="capital"))
    # Context: Lima is the capital of Peru.
    # Question: What is the currency of the country whose capital is Lima?
    # Choices: (A) peso (B) sol (C) real (D) dollar

    put_member(world, thing, number)
    # Context: Kenya is a country in Africa.
    # Question: Which of these lies in South America?
    # Choices: (A) Kenya (B) Peru (C) Nepal

What a source tells wrongly is among the choices, so that they give nothing away.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from autoact.core.records import QAPair, Question
from autoact.core.seeds import seed_of
from autoact.examples.atlas.world import SOURCES, Asked, Thing, World, pair_of, question_of, questions

CHOICES, OPTIONS, MEMBERS = 4, 3, 4


@dataclass(frozen=True, slots=True)
class Member:
    """Which of some things lies in a group; one of them does."""

    group: str
    options: tuple[Thing, ...]

    @property
    def answer(self) -> str:
        return next(thing.name for thing in self.options if thing.group == self.group)


@dataclass(frozen=True, slots=True)
class Put:
    """A question as it is put, and what is behind it."""

    asked: Asked | Member
    question: str
    choices: tuple[str, ...] = ()
    context: str = ""

    def shown(self) -> Question:
        """What an agent is shown."""
        return Question(self.question, self.choices, self.context)


def put_plainly(world: World, asked: Asked) -> Put:
    """A question in words alone."""
    return Put(asked, question_of(world, asked))


def put_choice(world: World, asked: Asked) -> Put:
    """A fact to be chosen: the true one, what sources tell instead, and others', in an order drawn by hash."""
    thing, relation = asked.thing, asked.relation
    rng = random.Random(seed_of("choices", thing.name, relation, asked.via))
    told = [world.value(source, relation, thing) for source in SOURCES]
    others = rng.sample([other.facts[relation] for other in world.things], len(world.things))
    values = list(dict.fromkeys(filter(None, [asked.answer, *told, *others])))[:CHOICES]
    rng.shuffle(values)
    context = f"{thing.facts[asked.via]} is the {asked.via} of {thing.name}." if asked.via else _lies(world, thing)
    return Put(asked, question_of(world, asked), tuple(values), context)


def put_member(world: World, thing: Thing, number: int) -> Put:
    """Which of three lies where a thing lies; the context tells of another one."""
    rng = random.Random(seed_of("member", thing.name, number))
    elsewhere = [other for other in world.things if other.group != thing.group]
    options = [thing, *rng.sample(elsewhere, OPTIONS - 1)]
    rng.shuffle(options)
    told = rng.choice([other for other in options if other is not thing])
    question = f"Which of these lies in {thing.group}?"
    names = tuple(option.name for option in options)
    return Put(Member(thing.group, tuple(options)), question, names, _lies(world, told))


def all_put(world: World, thing: Thing) -> Iterator[Put]:
    """Every question with choices about a thing."""
    for asked in questions(world, thing):
        yield put_choice(world, asked)
    for number in range(MEMBERS):
        yield put_member(world, thing, number)


def choice_pair(world: World, put: Put) -> QAPair:
    """A question with choices, with its answer."""
    if isinstance(put.asked, Member):
        others = "-".join(put.choices).lower().replace(" ", "_")
        return QAPair(f"{others}-member", put.question, put.asked.answer, put.choices, put.context, level="member")
    plain = pair_of(world, put.asked)
    return QAPair(plain.id, plain.question, plain.answer, put.choices, put.context, level=plain.level)


def _lies(world: World, thing: Thing) -> str:
    return f"{thing.name} is a {world.kind} in {thing.group}."
