"""The pages that Search, Retrieve and Lookup read: a JSONL file of `{"title": …, "text": …}`, kept in memory.

A line `{"title": "Bombay", "redirect": "Mumbai"}` is another name of a page.

corpus = load_corpus(Path("corpus.jsonl"))
corpus.page("lima")                 # by title, whatever its case
corpus.search("capital of Peru", 3) # the best pages, by BM25
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoact.core.errors import TaskError
from autoact.core.task import read_lines

if TYPE_CHECKING:
    import tantivy

INDEX_BYTES = 15_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page; its opening is the text up to the first blank line, its URL where it was found on the web."""

    title: str
    text: str
    url: str = ""

    @property
    def opening(self) -> str:
        return self.text.partition("\n\n")[0].strip()


class Corpus:
    """Pages by title, and a tantivy index over titles and texts, built when first searched, by whoever is first."""

    def __init__(self, pages: Iterable[Page], redirects: Mapping[str, Page] | None = None) -> None:
        self.pages = tuple(pages)
        self._by_title = {_key(title): page for title, page in (redirects or {}).items()}
        self._by_title |= {_key(page.title): page for page in reversed(self.pages)}
        self._lock = threading.Lock()

    def page(self, title: str) -> Page | None:
        """The page of that title or other name, or None."""
        return self._by_title.get(_key(title))

    def search(self, words: str, limit: int) -> list[Page]:
        """The pages that match any of the words, best first."""
        return self._search(words, limit, {"title": 2.0, "text": 1.0})

    def similar(self, title: str, limit: int = 5) -> list[str]:
        """Titles that share words with a title, best first."""
        return [page.title for page in self._search(title, limit, {"title": 1.0})]

    def _search(self, words: str, limit: int, fields: dict[str, float]) -> list[Page]:
        with self._lock:
            index = self._index
        searcher = index.searcher()
        # The lenient parser reads any text as words: hostile query syntax is dropped, not obeyed.
        plain = " ".join("".join(c if c.isalnum() else " " for c in words[:1000]).lower().split())
        query, _ = index.parse_query_lenient(plain, list(fields), field_boosts=fields)
        hits = searcher.search(query, limit).hits
        return [self.pages[searcher.doc(address)["number"][0]] for _, address in hits]

    @cached_property
    def _index(self) -> tantivy.Index:
        import tantivy

        schema = tantivy.SchemaBuilder()
        schema.add_text_field("title", stored=False)
        schema.add_text_field("text", stored=False)
        schema.add_integer_field("number", stored=True)
        index = tantivy.Index(schema.build())
        writer = index.writer(INDEX_BYTES, 1)
        for number, page in enumerate(self.pages):
            writer.add_document(tantivy.Document(title=page.title, text=page.text, number=number))
        writer.commit()
        index.reload()
        return index


def load_corpus(path: Path) -> Corpus:
    """The corpus of a JSONL file. Raises TaskError naming the line that is wrong, or the file when empty."""
    pages: list[Page] = []
    named: dict[str, tuple[int, str]] = {}
    for number, data in read_lines(path):
        title, text, other = (_text(data, name) for name in ("title", "text", "redirect"))
        if not title or bool(text) == bool(other):
            raise TaskError(f"{path} line {number} must be an object with a title and a text")
        if other:
            named[title] = (number, other)
        else:
            pages.append(Page(title, text))
    if not pages:
        raise TaskError(f"{path} holds no page; give the corpus at least one line with a title and a text")
    plain = Corpus(pages)
    redirects: dict[str, Page] = {}
    for title, (number, other) in named.items():
        page = plain.page(other)
        if page is None:
            raise TaskError(f"{path} line {number} redirects to {other[:100]}, which is the title of no page")
        redirects[title] = page
    return Corpus(pages, redirects) if redirects else plain


def _text(data: Any, name: str) -> str:
    value = data.get(name, "") if isinstance(data, dict) else ""
    return value.strip() if isinstance(value, str) else ""


def _key(title: str) -> str:
    return " ".join(title.casefold().split())
