"""The world of this example: the countries of countries.tsv, split by country into train, dev and test.

python -m autoact.examples.atlas.atlas        # writes corpus.jsonl, dev.jsonl and test.jsonl again
"""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from pathlib import Path

from autoact.core.records import QAPair, to_json
from autoact.core.seeds import seed_of
from autoact.core.store import json_line
from autoact.examples.atlas.choice import all_put, choice_pair
from autoact.examples.atlas.world import Source, Thing, World, pair_of, questions

FOLDER = Path(__file__).parent
CHOICE = FOLDER.parent / "atlas_choice"
RELATIONS = ("capital", "second city", "highest mountain", "longest river", "currency", "language")
PLACES = RELATIONS[:4]
TRUSTED: Mapping[str, Source] = {
    "capital": "gazetteer",
    "second city": "body",
    "highest mountain": "notes",
    "longest river": "body",
    "currency": "notes",
    "language": "opening",
}
SILENT: Mapping[str, frozenset[Source]] = {
    "capital": frozenset({"body", "notes"}),
    "second city": frozenset({"notes"}),
    "highest mountain": frozenset({"gazetteer"}),
    "longest river": frozenset(),
    "currency": frozenset({"body"}),
    "language": frozenset({"gazetteer", "body", "notes"}),
}
KNOWN = 0.4
DEV, TEST = 12, 24
DEV_QUESTIONS = 120


def atlas() -> World:
    """Earth. Of the capital the source that is most often right elsewhere holds, and of most relations another."""
    with (FOLDER / "countries.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    things = tuple(Thing(row["country"], row["continent"], _facts(row)) for row in rows)
    return World("Earth", "country", "countries", things, RELATIONS, PLACES, TRUSTED, SILENT, crowded=False)


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


def known(pair: QAPair) -> bool:
    """Whether a training question is in the seed model's text: two fifths of them are, drawn by hash."""
    return seed_of("atlas-known", pair.id) % 1000 < 1000 * KNOWN


def benchmark(world: World, name: str, choice: bool = False) -> list[QAPair]:
    """The questions of a split, in words alone or with choices; of dev, a fixed sample."""
    things = split(world)[name]
    if choice:
        pairs = [choice_pair(world, put) for thing in things for put in all_put(world, thing)]
    else:
        pairs = [pair_of(world, asked) for thing in things for asked in questions(world, thing)]
    return random.Random(0).sample(pairs, DEV_QUESTIONS) if name == "dev" else pairs


def write(folder: Path = FOLDER, choice: Path = CHOICE) -> None:
    """Write the corpus and the held-out splits of both tasks."""
    world = atlas()
    pages = sorted(world.corpus().pages, key=lambda page: page.title)
    lines = [json_line({"title": page.title, "text": page.text}) for page in pages]
    (folder / "corpus.jsonl").write_bytes(b"".join(lines))
    for name in ("dev", "test"):
        for place, pairs in ((folder, benchmark(world, name)), (choice, benchmark(world, name, choice=True))):
            shown = [{k: v for k, v in to_json(pair).items() if v and k != "origin"} for pair in pairs]
            (place / f"{name}.jsonl").write_bytes(b"".join(json_line(data) for data in shown))


if __name__ == "__main__":
    write()
