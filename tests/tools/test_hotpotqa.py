"""Search finds the supporting titles of real questions among the paragraphs of all of them.

`AUTOACT_DATA=… pytest tests/tools/test_hotpotqa.py` reads `hotpotqa/*.jsonl` there; without it, questions of our own in
the same form stand in.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from autoact.tools.corpus import Corpus, load_corpus
from autoact.tools.retrieve import retrieve
from autoact.tools.search import search

OWN = [
    {
        "question": "In which country lies the town where the painter Ada Brook was born?",
        "supporting_facts": [["Ada Brook", 0], ["Millford", 0]],
        "context": [
            ["Ada Brook", ["Ada Brook was a painter.", " She was born in the town of Millford."]],
            ["Millford", ["Millford is a town in the country of Norland.", " It has a mill."]],
            ["Bert Lake", ["Bert Lake was a composer.", " He lived in Osthaven."]],
            ["Osthaven", ["Osthaven is a harbour in Westland."]],
        ],
    },
    {
        "question": "Which is longer, the river Tarn or the river Ulle?",
        "supporting_facts": [["Tarn (river)", 0], ["Ulle", 0]],
        "context": [
            ["Tarn (river)", ["The Tarn is a river.", " It is 300 kilometres long."]],
            ["Ulle", ["The Ulle is a river 120 kilometres long."]],
            ["Millford", ["Millford is a town in the country of Norland.", " It has a mill."]],
        ],
    },
]


def hotpotqa() -> list[dict[str, Any]]:
    folder = Path(os.environ.get("AUTOACT_DATA", "")) / "hotpotqa"
    files = sorted(folder.glob("*.jsonl")) if "AUTOACT_DATA" in os.environ else []
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()] or OWN


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    return hotpotqa()


@pytest.fixture(scope="module")
def corpus(questions: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The paragraphs of all questions as one corpus file, read back."""
    pages = {title: "".join(said).strip() for question in questions for title, said in question["context"]}
    path = tmp_path_factory.mktemp("hotpotqa") / "corpus.jsonl"
    lines = (json.dumps({"title": title, "text": text}) for title, text in pages.items() if text)
    path.write_text("\n".join(lines), "utf-8")
    return load_corpus(path)


def supporting(question: dict[str, Any]) -> set[str]:
    return {title for title, _ in question["supporting_facts"]}


def test_search_finds_the_supporting_titles(corpus: Corpus, questions: list[dict[str, Any]]) -> None:
    shares = []
    for question in questions:
        found = {page.title for page in corpus.search(question["question"], 5)}
        shares.append(len(found & supporting(question)) / len(supporting(question)))
    print(f"recall@5 {sum(shares) / len(shares):.4f} over {len(shares)} questions and {len(corpus.pages)} pages")
    assert sum(shares) / len(shares) > 0.75


def test_every_supporting_title_can_be_opened(corpus: Corpus, questions: list[dict[str, Any]]) -> None:
    for title in {title for question in questions for title in supporting(question)}:
        observation, memory = retrieve(corpus, title)
        assert observation
        assert memory


def test_every_question_is_observed_in_bounds(corpus: Corpus, questions: list[dict[str, Any]]) -> None:
    for question in questions:
        observation, _ = search(corpus, question["question"])
        assert observation.startswith("1. ")
        assert len(observation) < 4000
