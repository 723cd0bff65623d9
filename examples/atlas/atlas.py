"""The world of this example: the countries of countries.tsv, split by country into train, dev and test.

python -m autoact.examples.atlas.atlas        # writes corpus.jsonl, dev.jsonl and test.jsonl again
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

from autoact.core.records import QAPair, to_json
from autoact.core.seeds import seed_of
from autoact.core.store import json_line
from autoact.examples.atlas.world import Asked, Thing, World, pair_of, questions

FOLDER = Path(__file__).parent
RELATIONS = ("capital", "second city", "highest mountain", "longest river", "currency", "language")
PLACES = RELATIONS[:4]
DEV, TEST = 12, 24
DEV_QUESTIONS = 120


def atlas() -> World:
    """Earth, in the layout `body`: what the opening does not tell, Lookup finds further down."""
    with (FOLDER / "countries.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    things = tuple(Thing(row["country"], row["continent"], _facts(row)) for row in rows)
    return World("Earth", "country", "countries", "body", things, RELATIONS, PLACES, shown="language")


def _facts(row: dict[str, str]) -> dict[str, str]:
    columns = ("capital", "second_city", "mountain", "river", "currency", "language")
    return {relation: row[column] for relation, column in zip(RELATIONS, columns, strict=True)}


def split(world: World) -> dict[str, tuple[Thing, ...]]:
    """The countries of each split, drawn once by hash; questions about dev and test are never trained on."""
    order = sorted(world.things, key=lambda thing: seed_of("atlas-split", thing.name))
    return {
        "dev": tuple(order[:DEV]),
        "test": tuple(order[DEV : DEV + TEST]),
        "train": tuple(order[DEV + TEST :]),
    }


def known(world: World, asked: Asked) -> bool:
    """Whether a training question is in the seed model's text: half of them are, drawn by hash."""
    return seed_of("atlas-known", pair_of(world, asked).id) % 2 == 0


def benchmark(world: World, name: str) -> list[QAPair]:
    """The questions of a split; of dev, a fixed sample."""
    pairs = [pair_of(world, asked) for thing in split(world)[name] for asked in questions(world, thing)]
    return random.Random(0).sample(pairs, DEV_QUESTIONS) if name == "dev" else pairs


def write(folder: Path = FOLDER) -> None:
    """Write the corpus and the two held-out splits."""
    world = atlas()
    pages = sorted(world.corpus().pages, key=lambda page: page.title)
    lines = [json_line({"title": page.title, "text": page.text}) for page in pages]
    (folder / "corpus.jsonl").write_bytes(b"".join(lines))
    for name in ("dev", "test"):
        shown = [{k: v for k, v in to_json(pair).items() if v and k != "origin"} for pair in benchmark(world, name)]
        (folder / f"{name}.jsonl").write_bytes(b"".join(json_line(data) for data in shown))


if __name__ == "__main__":
    write()
