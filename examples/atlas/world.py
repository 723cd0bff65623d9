"""What a world is: things with facts, sources that tell them or something else, and questions about them.

    World(name="Earth", kind="country", trusted={"currency": "notes", …}, …)
    page   Peru: Peru is a country in South America. The language of Peru is Spanish.⏎⏎Its longest river is Maranon.
    page   Lima: Lima is the capital of Peru.
    page   currency of Peru: The gazetteer gives peso as the currency of Peru.
    page   note 417 on Peru: A note gives sol as the currency of Peru.
    ask    What is the currency of the country whose capital is Lima?

Four sources may tell a fact, each asked in its own way:

    opening     how the thing's page begins                      → Retrieve with the thing
    gazetteer   a page on the fact itself                        → Retrieve with `currency of Peru`
    body        a sentence further down the thing's page         → Lookup with a keyword
    notes       a page whose title nobody would guess            → Search

For each relation one source holds in all of a world. The others are silent about it, or tell of another thing's. The
pages do not say which source holds; only the reward does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from autoact.core.records import QAPair
from autoact.tools.corpus import Corpus, Page

Source = Literal["opening", "gazetteer", "body", "notes"]
SOURCES: tuple[Source, ...] = ("opening", "gazetteer", "body", "notes")


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
    """Things of one kind. `places` are the relations whose values have pages.

    `trusted` is the source that holds, by relation; `silent` the sources that say nothing of a relation. In a
    `crowded` world the body speaks of another thing before it speaks of its own.
    """

    name: str
    kind: str
    kinds: str
    things: tuple[Thing, ...]
    relations: tuple[str, ...]
    places: tuple[str, ...]
    trusted: Mapping[str, Source]
    silent: Mapping[str, frozenset[Source]]
    crowded: bool

    def description(self, choice: bool = False) -> str:
        """A task's description, as it stands in its file: of questions in words alone, or with choices."""
        if choice:
            return (
                f"Choose the right answer to questions about the {self.kinds} of {self.name}. "
                "An encyclopedia has the facts. An answer is one of the choices."
            )
        return (
            f"Answer questions about the {self.kinds} of {self.name}. "
            "An encyclopedia has the facts. An answer is one short name."
        )

    def value(self, source: Source, relation: str, thing: Thing) -> str:
        """What a source tells of a thing; empty when it is silent."""
        if self.trusted[relation] == source:
            return thing.facts[relation]
        if source == "opening" or source in self.silent[relation]:
            return ""
        number, back = self.things.index(thing), SOURCES.index(source)
        others = [self.things[number - step].facts[relation] for step in range(1, len(self.things))]
        return [value for value in dict.fromkeys(others) if value != thing.facts[relation]][back]

    def sentence(self, source: Source, relation: str, thing: Thing) -> str:
        """The sentence in which a source tells it; empty when it is silent."""
        value = self.value(source, relation, thing)
        if not value:
            return ""
        if source in ("gazetteer", "notes"):
            who = "The gazetteer" if source == "gazetteer" else "A note"
            return f"{who} gives {value} as the {relation} of {thing.name}."
        if source == "body" and not self.crowded:
            return f"Its {relation} is {value}."
        return f"The {relation} of {thing.name} is {value}."

    def corpus(self) -> Corpus:
        """All pages of the world."""
        return Corpus(self._pages())

    def _pages(self) -> Iterator[Page]:
        for number, thing in enumerate(self.things):
            yield Page(thing.name, f"{self._opening(thing)}\n\n{self._body(number, thing)}".strip())
            for place in self.places:
                yield Page(thing.facts[place], f"{thing.facts[place]} is the {place} of {thing.name}.")
            for count, relation in enumerate(self.relations, start=number * len(self.relations)):
                if told := self.sentence("gazetteer", relation, thing):
                    yield Page(f"{relation} of {thing.name}", told)
                if told := self.sentence("notes", relation, thing):
                    yield Page(f"note {count} on {thing.name}", told)

    def _opening(self, thing: Thing) -> str:
        told = [self.sentence("opening", relation, thing) for relation in self.relations]
        return " ".join([f"{thing.name} is a {self.kind} in {thing.group}.", *filter(None, told)])

    def _body(self, number: int, thing: Thing) -> str:
        told = [(self.sentence("body", relation, thing), relation) for relation in self.relations]
        other = self.things[number - 1]
        lines = [
            [f"The {relation} of {other.name} is {other.facts[relation]}.", line] if self.crowded else [line]
            for line, relation in told
            if line
        ]
        return " ".join(sentence for both in lines for sentence in both)


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
