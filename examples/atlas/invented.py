"""Random worlds: invented names, relations drawn from a pool, a layout drawn from a prior that the prompt hides.

    >>> world = invented(random.Random(7))
    >>> world.layout in LAYOUTS
    True

The prior is the point of Atlas. What is most often right in these worlds (a page of its own for each fact) is
wrong on Earth, where facts are further down the page; only trying it out tells.
"""

import random
from functools import cache

from autoact.examples.atlas.atlas import atlas
from autoact.examples.atlas.world import Layout, Thing, World

LAYOUTS: dict[Layout, float] = {"opening": 0.4, "subpage": 0.27, "body": 0.1, "crowded": 0.08, "index": 0.15}
KINDS = {
    "country": "countries",
    "island": "islands",
    "planet": "planets",
    "kingdom": "kingdoms",
    "province": "provinces",
}
PLACES = (
    "capital", "second city", "highest mountain", "longest river", "largest lake", "main port",
    "oldest town", "deepest cave", "holy city", "great desert",
)  # fmt: skip
OTHERS = (
    "currency",
    "language",
    "anthem",
    "emblem",
    "national dish",
    "national flower",
    "ruling house",
    "main export",
)
ONSETS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "y",
    "z",
]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ou"]
CODAS = ["", "", "", "l", "m", "n", "r", "s", "t"]
THINGS = 14
SPLICED = 0.6


def invented(rng: random.Random) -> World:
    """A world with names of its own; four relations are places with pages, two are not."""
    taken: set[str] = set()
    kind = rng.choice(list(KINDS))
    places = tuple(rng.sample(PLACES, 4))
    others = tuple(rng.sample(OTHERS, 2))
    relations = places + others
    groups = [_name(rng, taken) for _ in range(4)]
    things = tuple(_thing(rng, taken, relations, others, groups) for _ in range(THINGS))
    layout = rng.choices(list(LAYOUTS), list(LAYOUTS.values()))[0]
    shown = rng.choice(relations)
    return World(_name(rng, taken), kind, KINDS[kind], layout, things, relations, places, shown)


def _thing(
    rng: random.Random,
    taken: set[str],
    relations: tuple[str, ...],
    others: tuple[str, ...],
    groups: list[str],
) -> Thing:
    facts = {
        r: _name(rng, taken).lower() if r in others and rng.random() < 0.7 else _name(rng, taken) for r in relations
    }
    return Thing(_name(rng, taken), rng.choice(groups), facts)


def _name(rng: random.Random, taken: set[str]) -> str:
    while True:
        words = rng.choices((1, 2), (0.85, 0.15))[0]
        name = _spliced(rng) if rng.random() < SPLICED else " ".join(_word(rng) for _ in range(words))
        if name not in taken:
            taken.add(name)
            return name


def _spliced(rng: random.Random) -> str:
    """The head of one real name and the tail of another: the model must copy the tokens of real names too."""
    head, tail = rng.choice(_real_names()), rng.choice(_real_names())
    return (head[: rng.randint(2, len(head))] + tail[rng.randint(1, len(tail) - 1) :]).strip()


@cache
def _real_names() -> tuple[str, ...]:
    return tuple(sorted({name for thing in atlas().things for name in (thing.name, *thing.facts.values())}))


def _word(rng: random.Random) -> str:
    syllables = rng.choices((1, 2, 3), (0.1, 0.65, 0.25))[0]
    parts = [rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(syllables)]
    return "".join(parts).capitalize()
