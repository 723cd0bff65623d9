"""Index build and query over synthetic passages: tantivy as Search uses it, SQLite FTS5, bm25s, in one run.

    python benchmarks/search.py [--passages 1000000] [--queries 200] [--json]

Words follow Zipf's law; a query is five words of a passage. bm25s is measured if it is installed (pip install bm25s).
Each engine runs in a process of its own, so that its peak memory is its own; passages are made anew in each.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

VOCABULARY = 50_000
WORDS = 40
FOUND = 10
Find = Callable[[str], list[int]]


def passages(count: int) -> Iterator[str]:
    """`count` passages of 40 words."""
    rng = random.Random(0)
    words = [f"w{number}" for number in range(VOCABULARY)]
    weights = list(accumulate(1 / (rank + 1) for rank in range(VOCABULARY)))
    for _ in range(count):
        yield " ".join(rng.choices(words, cum_weights=weights, k=WORDS))


def queries(count: int, passage_count: int) -> list[str]:
    """Five words each of passages spread over the collection."""
    rng = random.Random(1)
    every = max(1, passage_count // count)
    chosen = [text for number, text in enumerate(passages(passage_count)) if number % every == 0][:count]
    return [" ".join(rng.sample(text.split(), 5)) for text in chosen]


def tantivy(count: int) -> Find:
    from autoact.tools.corpus import Corpus, Page

    corpus = Corpus(Page(f"page {number}", text) for number, text in enumerate(passages(count)))
    corpus.search("w1", 1)
    return lambda query: [int(page.title.split()[1]) for page in corpus.search(query, FOUND)]


def fts5(count: int) -> Find:
    file = sqlite3.connect(Path(tempfile.mkdtemp()) / "fts5.sqlite")
    file.execute("CREATE VIRTUAL TABLE pages USING fts5(text)")
    file.executemany("INSERT INTO pages (rowid, text) VALUES (?, ?)", enumerate(passages(count)))
    file.commit()
    select = f"SELECT rowid FROM pages WHERE pages MATCH ? ORDER BY bm25(pages) LIMIT {FOUND}"
    return lambda query: [row[0] for row in file.execute(select, (" OR ".join(query.split()),))]


def bm25s(count: int) -> Find:
    bm25s: Any = __import__("bm25s")
    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(list(passages(count)), stopwords=None, show_progress=False), show_progress=False)

    def find(query: str) -> list[int]:
        tokens = bm25s.tokenize([query], stopwords=None, show_progress=False)
        found, _ = retriever.retrieve(tokens, k=FOUND, show_progress=False)
        return [int(number) for number in found[0]]

    return find


ENGINES: dict[str, Callable[[int], Find]] = {"tantivy": tantivy, "fts5": fts5, "bm25s": bm25s}


def measure(engine: str, count: int, asked: int) -> dict[str, Any]:
    """Build and ask; `found` is the share of queries that find their own passage among the first ten."""
    words = queries(asked, count)
    every = max(1, count // asked)
    began = time.perf_counter()
    for _ in passages(count):
        pass
    making, began = time.perf_counter() - began, time.perf_counter()
    find = ENGINES[engine](count)
    build = time.perf_counter() - began - making
    seconds, right = [], 0
    for number, query in enumerate(words):
        began = time.perf_counter()
        found = find(query)
        seconds.append(time.perf_counter() - began)
        right += number * every in found
    seconds.sort()
    return {
        "engine": engine,
        "passages": count,
        "build_s": round(build, 1),
        "p50_ms": round(seconds[len(seconds) // 2] * 1000, 2),
        "p95_ms": round(seconds[int(len(seconds) * 0.95)] * 1000, 2),
        "found": round(right / len(words), 3),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--passages", type=int, default=1_000_000)
    options.add_argument("--queries", type=int, default=200)
    options.add_argument("--engine", choices=ENGINES, help="only this one, in this process")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    if given.engine:
        print(json.dumps(measure(given.engine, given.passages, given.queries)), flush=True)
        return
    for engine in ENGINES:
        if engine == "bm25s" and not importlib.util.find_spec("bm25s"):
            print("bm25s is not installed", file=sys.stderr)
            continue
        command = [sys.executable, __file__, "--engine", engine, "--passages", str(given.passages)]
        told = subprocess.run([*command, "--queries", str(given.queries)], capture_output=True, text=True, check=True)
        row = json.loads(told.stdout)
        print(
            json.dumps(row) if given.json else "  ".join(f"{name} {value}" for name, value in row.items()), flush=True
        )


if __name__ == "__main__":
    main()
