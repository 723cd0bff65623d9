"""Random worlds: invented names, relations drawn from a pool, the source that holds drawn from a prior.

    >>> world = invented(random.Random(7))
    >>> world.trusted[world.relations[0]] in SOURCES
    True

The prior is the point of Atlas. What is most often right in these worlds (the gazetteer, where the opening does not
tell) is wrong of most relations on Earth; only trying it out tells.
"""

import random
from functools import cache

from autoact.examples.atlas.atlas import atlas
from autoact.examples.atlas.world import SOURCES, Source, Thing, World

# How often each source of SOURCES holds; how often a relation goes with the others of its world; how often a source
# that does not hold is silent; how often a body is crowded.
PRIOR = (0.3, 0.28, 0.25, 0.17)
ALIKE, SILENCE, CROWDED = 0.4, 0.5, 0.5
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
    trusted = _trusted(rng, relations)
    silent = {r: frozenset(s for s in SOURCES if s != trusted[r] and rng.random() < SILENCE) for r in relations}
    crowded = rng.random() < CROWDED
    return World(_name(rng, taken), kind, KINDS[kind], things, relations, places, trusted, silent, crowded)


def _trusted(rng: random.Random, relations: tuple[str, ...]) -> dict[str, Source]:
    """The source that holds of each relation; the opening of one at least."""
    usual = rng.choices(SOURCES, PRIOR)[0]
    drawn = {r: usual if rng.random() < ALIKE else rng.choices(SOURCES, PRIOR)[0] for r in relations}
    return drawn | {rng.choice(relations): "opening"}


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
