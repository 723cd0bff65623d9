"""Scripted play: how the text behind the seed model answers a question in a world, on the real tools.

    trace = play(world, corpus, put, ("Retrieve", "Lookup"), random.Random(0))
    trace[-2:]    # Step(… tool="Finish" …), Step(… tool="Reflect" …)

The script does nothing at random but choose: which source to ask next, in which words, and whether to take its word.
Of these it mostly knows what is right in this world, and else goes by what is right in most; a model of it, which
cannot know the world, learns the prior over worlds and no more. What it read, and from whom, it always tells truly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from langchain_core.tools import ToolException

from autoact.core.records import FINISH, REFLECT, Step
from autoact.examples.atlas.choice import Member, Put
from autoact.examples.atlas.world import Asked, Source, World
from autoact.tools.corpus import Corpus
from autoact.tools.lookup import lookup
from autoact.tools.memory import Memory, Result
from autoact.tools.retrieve import retrieve
from autoact.tools.search import search

KNOWS_THE_WORLD = 0.6
PRIOR: Mapping[Source, float] = {"gazetteer": 0.42, "body": 0.36, "notes": 0.22}
SHORT_KEYWORD = 0.45
SEARCHES_FIRST = 0.12
REFLECTIONS = 2
SAYS: Mapping[Source, str] = {
    "opening": "The page says {}.",
    "gazetteer": "The gazetteer gives {}.",
    "body": "Further down it is {}.",
    "notes": "A note gives {}.",
}


@dataclass
class _Player:
    """One episode: what was done so far, which page is open, which sources were asked and whose word was doubted."""

    world: World
    corpus: Corpus
    tools: tuple[str, ...]
    rng: random.Random
    steps: list[Step] = field(default_factory=list)
    knowing: float = KNOWS_THE_WORLD
    memory: Memory | None = None
    opened: str = ""
    asked: set[Source] = field(default_factory=set)
    doubted: set[Source] = field(default_factory=set)

    def act(self, thought: str, tool: str, argument: str) -> None:
        runs: dict[str, Callable[[str], Result]] = {
            "Retrieve": lambda text: retrieve(self.corpus, text),
            "Search": lambda text: search(self.corpus, text),
            "Lookup": lambda text: lookup(self.memory, text),
        }
        try:
            observation, memory = runs[tool](argument)
        except ToolException as problem:
            self.steps.append(Step(thought, tool, argument, str(problem), ok=False))
            return
        if tool != "Lookup":
            self.opened = argument
        self.memory = memory or self.memory
        self.steps.append(Step(thought, tool, argument, observation))

    def finish(self, thought: str, answer: str) -> None:
        self.steps.append(Step(thought, FINISH, answer))

    def reflect(self, thought: str, right: bool) -> None:
        self.steps.append(Step(thought, REFLECT, "right" if right else "wrong"))

    def knows(self) -> bool:
        """Whether it knows this world, at this moment."""
        return self.rng.random() < self.knowing


def play(
    world: World,
    corpus: Corpus,
    put: Put,
    tools: tuple[str, ...],
    rng: random.Random,
    knowing: float = KNOWS_THE_WORLD,
) -> tuple[Step, ...]:
    """One episode, reflections included; `knowing` is how often a choice is made that is right in this world."""
    player = _Player(world, corpus, tools, rng, knowing=knowing)
    if isinstance(put.asked, Member):
        _go_through(player, put.asked, put.context)
    else:
        _Search(player, put.asked, put).run()
    return tuple(player.steps)


@dataclass
class _Search:
    """The search for one fact: find the thing, ask source after source, reflect."""

    player: _Player
    asked: Asked
    put: Put

    @property
    def goal(self) -> str:
        """What every thought begins with: a small model finds a phrase again more easily after restating it."""
        return f"I need the {self.asked.relation} of {self.asked.thing.name}."

    @property
    def phrase(self) -> str:
        return f"{self.asked.relation} of {self.asked.thing.name}"

    def run(self) -> None:
        self._find_the_thing()
        for _ in range(REFLECTIONS + 1):
            source = self._answer()
            if self._holds(source) or not source:
                return

    def _find_the_thing(self) -> None:
        asked, player, name = self.asked, self.player, self.asked.thing.name
        if not asked.via:
            player.act(f"{self.goal} I open {name}.", "Retrieve", name)
            return
        place = asked.thing.facts[asked.via]
        if not self.put.context:
            need = f"I need the {asked.relation} of the {player.world.kind} whose {asked.via} is {place}."
            if "Search" in player.tools and player.rng.random() < SEARCHES_FIRST:
                player.act(f"{need} I search for {place}.", "Search", place)
            else:
                player.act(f"{need} I open {place}.", "Retrieve", place)
        player.act(f"{place} is the {asked.via} of {name}. {self.goal} I open {name}.", "Retrieve", name)

    def _answer(self) -> Source | None:
        """Ask sources until one tells, and answer with what it tells; whose word it is, or None for a guess."""
        while not (source := self._told()):
            following = self._next_source()
            if not following:
                self.player.finish(f"{self.goal} I do not find it.", self._guess())
                return None
            self._ask(following)
        value = self.player.world.value(source, self.asked.relation, self.asked.thing)
        self.player.finish(f"{self.goal} {SAYS[source].format(value)}", value)
        return source

    def _guess(self) -> str:
        return self.put.choices[0] if self.put.choices else self.asked.thing.group

    def _told(self) -> Source | None:
        """The source that was asked and told something that was not doubted; of a search's results the note."""
        world, asked = self.player.world, self.asked
        for source in ("notes", "body", "gazetteer", "opening"):
            sentence = world.sentence(source, asked.relation, asked.thing)
            if source in self.player.doubted or not sentence:
                continue
            if any(sentence in step.observation for step in self.player.steps):
                return source
        return None

    def _next_source(self) -> Source | None:
        player = self.player
        tool: Mapping[Source, str] = {"gazetteer": "Retrieve", "body": "Lookup", "notes": "Search"}
        left = [s for s in PRIOR if tool[s] in player.tools and s not in player.asked | player.doubted]
        holds = player.world.trusted[self.asked.relation]
        if holds in left and player.knows():
            return holds
        return player.rng.choices(left, [PRIOR[s] for s in left])[0] if left else None

    def _ask(self, source: Source) -> None:
        player = self.player
        player.asked.add(source)
        if source == "gazetteer":
            player.act(f"{self.goal} I open the gazetteer.", "Retrieve", self.phrase)
        elif source == "notes":
            player.act(f"{self.goal} I search the notes.", "Search", f"note on the {self.phrase}")
        else:
            self._look_further_down()

    def _look_further_down(self) -> None:
        player, name = self.player, self.asked.thing.name
        if player.opened != name:
            player.act(f"{self.goal} I open {name} again.", "Retrieve", name)
        right = self.asked.relation if not player.world.crowded else self.phrase
        prior = self.asked.relation if player.rng.random() < SHORT_KEYWORD else self.phrase
        keyword = right if player.knows() else prior
        player.act(f"{self.goal} I look further down.", "Lookup", keyword)
        if player.world.crowded and keyword == self.asked.relation and player.steps[-1].ok and not self._told():
            player.act(f"{self.goal} That is another one. I look further down.", "Lookup", keyword)

    def _holds(self, source: Source | None) -> bool:
        """Reflect: say who told the answer, and whether that holds."""
        player = self.player
        right = source is not None and (player.world.trusted[self.asked.relation] == source if player.knows() else True)
        value = player.steps[-1].argument
        player.reflect(f"{self.goal} {SAYS[source].format(value) if source else 'Nothing tells it.'}", right)
        if source and not right:
            player.doubted.add(source)
        return right


def _go_through(player: _Player, member: Member, context: str) -> None:
    """Open one option after the other, but for the one that the context tells of, until one lies in the group."""
    goal, said = f"I need one in {member.group}.", ""
    for thing in member.options:
        if context.startswith(f"{thing.name} is "):
            continue
        player.act(f"{said}{goal} I open {thing.name}.", "Retrieve", thing.name)
        said = f"{thing.name} is in {thing.group}. "
        if thing.group == member.group:
            break
    player.finish(f"{said}{goal} It is {member.answer}.", member.answer)
    player.reflect(f"{goal} {said.strip()}", right=True)
