"""The corpora of a benchmark that brings its own paragraphs: one of all questions', or one of each question's ten.

    write_corpus(corpus_text(rows), folder)     # folder/corpus-3fa9c1d2e4b5.jsonl, {"title": …, "text": …} a line

A title opens one page, whatever its case. A paragraph that is there already is left out; another text of a title that
is taken, such as `cover version` after `Cover version`, becomes the page `cover version (2)`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from autoact.core.store import json_line, writing
from autoact.eval.rows import Row
from autoact.tools.corpus import Page


def corpus_text(rows: Iterable[Row]) -> bytes:
    """The paragraphs of the rows as a corpus file, in their order; empty when they have none."""
    pages = _titled(page for row in rows for page in row.paragraphs)
    return b"".join(json_line({"title": page.title, "text": page.text}) for page in pages)


def write_corpus(text: bytes, folder: Path) -> Path:
    """Write a corpus once, under a name that is its content's; a file that is there is that corpus already."""
    path = folder / f"corpus-{hashlib.sha256(text).hexdigest()[:12]}.jsonl"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}.part")  # shards of one evaluation may write it at once
        with writing(path):
            draft.write_bytes(text)
            draft.replace(path)
    return path


def _titled(pages: Iterable[Page]) -> Iterable[Page]:
    """The pages, each once and under a title of its own."""
    known: set[tuple[str, str]] = set()
    taken: dict[str, Page] = {}
    for page in pages:
        if (_folded(page.title), page.text) in known:
            continue
        known.add((_folded(page.title), page.text))
        title, number = page.title, 1
        while _folded(title) in taken:
            number += 1
            title = f"{page.title} ({number})"
        taken[_folded(title)] = Page(title, page.text)
    return taken.values()


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())
