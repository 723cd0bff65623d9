"""Scripted play: how the text behind the seed model answers a question in a world, on the real tools.

    trace = play(world, corpus, asked, ("Retrieve", "Lookup"), random.Random(0))
    trace[-2:]    # Step(… tool="Finish" …), Step(… tool="Reflect" …)

The script does not know the layout: when an opening lacks the fact, it mostly does what is right in this world
and sometimes what is right in most worlds, so a model of it learns the prior over worlds and no more. It guesses
when it gives up, and its reflection says what was read but seldom calls a guess wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from langchain_core.tools import ToolException

from autoact.core.records import FINISH, REFLECT, Step
from autoact.examples.atlas.world import Asked, World, tells
from autoact.tools.corpus import Corpus
from autoact.tools.lookup import lookup
from autoact.tools.memory import Memory, Result
from autoact.tools.retrieve import retrieve
from autoact.tools.search import search

GIVES_UP_AT_ONCE, GIVES_UP_AFTER_A_FAILURE = 0.2, 0.55
KNOWS_THE_WORLD = 0.6
PRIOR = {"subpage": 0.5, "lookup": 0.3, "search": 0.2}
RIGHT_STRATEGY = {"subpage": "subpage", "body": "lookup", "crowded": "lookup", "index": "search"}
SEARCHES_FIRST = 0.12
DOUBTS_A_READ_ANSWER, DOUBTS_A_GUESS = 0.04, 0.3
TRIES = 3
REFLECTIONS = 2


@dataclass
class _Player:
    """One episode: what was done so far, and what the page last found is."""

    world: World
    corpus: Corpus
    asked: Asked
    tools: tuple[str, ...]
    rng: random.Random
    steps: list[Step] = field(default_factory=list)
    memory: Memory | None = None
    tried: set[str] = field(default_factory=set)

    @property
    def goal(self) -> str:
        """What every thought begins with: a small model finds a phrase again more easily after restating it."""
        return f"I need the {self.asked.relation} of {self.asked.thing.name}."

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
        self.memory = memory or self.memory
        self.steps.append(Step(thought, tool, argument, observation))

    def has_read(self) -> bool:
        """Whether an observation tells the fact, or the sentence of an open page that can only mean it."""
        relation, value = self.asked.relation, self.asked.answer
        told = (tells(relation, self.asked.thing), f"Its {relation} is {value}.")
        return any(sentence in step.observation for step in self.steps for sentence in told)


def play(world: World, corpus: Corpus, asked: Asked, tools: tuple[str, ...], rng: random.Random) -> tuple[Step, ...]:
    """One episode, reflections included."""
    player = _Player(world, corpus, asked, tools, rng)
    _find_the_thing(player)
    _look_for_the_fact(player, GIVES_UP_AT_ONCE)
    for _ in range(REFLECTIONS):
        if _reflect(player) == "right":
            break
        _look_for_the_fact(player, GIVES_UP_AT_ONCE)
    else:
        _reflect(player)
    return tuple(player.steps)


def _find_the_thing(player: _Player) -> None:
    asked, thing = player.asked, player.asked.thing.name
    if not asked.via:
        player.act(f"{player.goal} I open {thing}.", "Retrieve", thing)
        return
    place = asked.thing.facts[asked.via]
    need = f"I need the {asked.relation} of the {player.world.kind} whose {asked.via} is {place}."
    if "Search" in player.tools and player.rng.random() < SEARCHES_FIRST:
        player.act(f"{need} I search for {place}.", "Search", place)
    else:
        player.act(f"{need} I open {place}.", "Retrieve", place)
    thought = f"{place} is the {asked.via} of {thing}. {player.goal} I open {thing}."
    player.act(thought, "Retrieve", thing)


def _look_for_the_fact(player: _Player, gives_up: float) -> None:
    while not player.has_read():
        strategy = _strategy(player)
        if not strategy or len(player.tried) >= TRIES or player.rng.random() < gives_up:
            _guess(player)
            return
        _follow(player, strategy)
        gives_up = GIVES_UP_AFTER_A_FAILURE
    answer = player.asked.answer
    player.steps.append(Step(f"{player.goal} It is {answer}.", FINISH, answer))


def _strategy(player: _Player) -> str:
    able = {"subpage": True, "lookup": "Lookup" in player.tools, "search": "Search" in player.tools}
    if "search" in player.tried:
        able["lookup"] = False  # the found snippets have taken the place of the open page
    open_to = [name for name in PRIOR if able[name] and name not in player.tried]
    right = RIGHT_STRATEGY.get(player.world.layout, "")
    if right in open_to and player.rng.random() < KNOWS_THE_WORLD:
        return right
    return player.rng.choices(open_to, [PRIOR[name] for name in open_to])[0] if open_to else ""


def _follow(player: _Player, strategy: str) -> None:
    player.tried.add(strategy)
    lacks = f"{player.goal} I do not see it."
    phrase = f"{player.asked.relation} of {player.asked.thing.name}"
    if strategy == "subpage":
        player.act(f"{lacks} I open a page about it.", "Retrieve", phrase)
    elif strategy == "search":
        player.act(f"{lacks} I search for it.", "Search", phrase)
    else:
        _look_up(player, f"{lacks} I look for it in the page.", phrase)


def _look_up(player: _Player, thought: str, phrase: str) -> None:
    crowded = player.world.layout == "crowded"
    short = player.rng.random() < (0.3 if crowded else 0.55)
    keyword = player.asked.relation if short else phrase
    player.act(thought, "Lookup", keyword)
    if short and crowded and not player.has_read() and player.rng.random() < 0.5:
        player.act(f"{player.goal} That is another one. I look further.", "Lookup", keyword)


def _guess(player: _Player) -> None:
    """Give up with a name that was seen: a value of another relation, or of another thing."""
    asked = player.asked
    seen = [value for relation, value in asked.thing.facts.items() if relation == player.world.shown]
    guess = player.rng.choice([*seen, asked.thing.group])
    player.steps.append(Step(f"{player.goal} I do not find it. I guess.", FINISH, guess))


def _reflect(player: _Player) -> str:
    read = player.has_read()
    doubts = player.rng.random() < (DOUBTS_A_READ_ANSWER if read else DOUBTS_A_GUESS)
    thought = f"{player.goal} {'An observation tells it.' if read else 'No observation tells it.'}"
    verdict = "wrong" if doubts else "right"
    player.steps.append(Step(thought, REFLECT, verdict))
    return verdict
