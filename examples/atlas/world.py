"""What a world is: things with facts, a layout that says which page tells a fact, and questions about it.

    World(name="Earth", kind="country", layout="body", …)
    page   Peru: Peru is a country in South America. The language of Peru is Spanish.⏎⏎Its currency is sol. …
    page   Lima: Lima is the capital of Peru.
    ask    What is the currency of the country whose capital is Lima?

A layout is where a fact is told when the opening of the thing's page does not tell it:

    opening   in the opening after all                      → finish
    subpage   on a page titled "currency of Peru"           → Retrieve
    body      further down, as "Its currency is sol."       → Lookup with the relation's name
    crowded   further down, after another thing's currency  → Lookup with relation and thing
    index     on a page whose title says nothing            → Search
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from autoact.core.records import QAPair
from autoact.tools.corpus import Corpus, Page

Layout = Literal["opening", "subpage", "body", "crowded", "index"]


@dataclass(frozen=True, slots=True)
class Thing:
    """A country, or whatever a world has instead: its name, the group it lies in, a value per relation."""

    name: str
    group: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: `relation` of `thing`, which is named itself, or by its value of the relation `via`."""

    thing: Thing
    relation: str
    via: str = ""

    @property
    def answer(self) -> str:
        return self.thing.facts[self.relation]


@dataclass(frozen=True)
class World:
    """Things of one kind. `places` are the relations whose values have pages; `shown` is told in every opening."""

    name: str
    kind: str
    kinds: str
    layout: Layout
    things: tuple[Thing, ...]
    relations: tuple[str, ...]
    places: tuple[str, ...]
    shown: str

    def description(self) -> str:
        """The task's description, as it stands in the task file."""
        return (
            f"Answer questions about the {self.kinds} of {self.name}. "
            "An encyclopedia has the facts. An answer is one short name."
        )

    def told_in_opening(self, relation: str) -> bool:
        """Whether the opening of a thing's page tells that relation."""
        return self.layout == "opening" or relation == self.shown

    def corpus(self) -> Corpus:
        """All pages of the world."""
        return Corpus(self._pages())

    def _pages(self) -> Iterator[Page]:
        for number, thing in enumerate(self.things):
            yield Page(thing.name, "\n\n".join([self._opening(thing), *self._body(thing, number)]))
            for place in self.places:
                yield Page(thing.facts[place], f"{thing.facts[place]} is the {place} of {thing.name}.")
            yield from self._fact_pages(thing, number)

    def _opening(self, thing: Thing) -> str:
        told = [tells(r, thing) for r in self.relations if self.told_in_opening(r)]
        return " ".join([f"{thing.name} is a {self.kind} in {thing.group}.", *told])

    def _body(self, thing: Thing, number: int) -> Iterator[str]:
        hidden = [r for r in self.relations if not self.told_in_opening(r)]
        if self.layout == "body":
            yield " ".join(f"Its {r} is {thing.facts[r]}." for r in hidden)
        if self.layout == "crowded":
            other = self.things[number - 1]
            yield " ".join(f"{tells(r, other)} {tells(r, thing)}" for r in hidden)

    def _fact_pages(self, thing: Thing, number: int) -> Iterator[Page]:
        for place, relation in enumerate(self.relations):
            if self.told_in_opening(relation):
                continue
            if self.layout == "subpage":
                yield Page(f"{relation} of {thing.name}", tells(relation, thing))
            if self.layout == "index":
                yield Page(f"note {number * len(self.relations) + place}", tells(relation, thing))


def tells(relation: str, thing: Thing) -> str:
    """The sentence that tells a fact."""
    return f"The {relation} of {thing.name} is {thing.facts[relation]}."


def questions(world: World, thing: Thing) -> Iterator[Asked]:
    """Every question about a thing: each relation asked directly, and by way of each place."""
    for relation in world.relations:
        yield Asked(thing, relation)
        for via in world.places:
            if via != relation:
                yield Asked(thing, relation, via)


def question_of(world: World, asked: Asked) -> str:
    """The words of a question."""
    if not asked.via:
        return f"What is the {asked.relation} of {asked.thing.name}?"
    place = asked.thing.facts[asked.via]
    return f"What is the {asked.relation} of the {world.kind} whose {asked.via} is {place}?"


def pair_of(world: World, asked: Asked) -> QAPair:
    """A question with its answer; the level says whether it takes one hop or two."""
    key = f"{asked.thing.name}-{asked.via or 'direct'}-{asked.relation}".lower().replace(" ", "_")
    level = "bridge" if asked.via else "direct"
    return QAPair(key, question_of(world, asked), asked.answer, level=level)
