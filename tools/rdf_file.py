"""Reads an RDF file for hostile SPARQL: the work that the KnowledgeGraph tool has done in a box.

    prepared = prepare("geo.ttl", "30")
    prepared.answer("Lima")                       # {"facts": ["Lima – country – Peru", …], "more": False}
    prepared.answer("SELECT ?c WHERE { … }")      # {"columns": ["c"], "rows": [["ex:Peru"]], "more": False}

A query of pyoxigraph cannot be interrupted, so it is the box that ends it. SERVICE is refused by its name, and because
a fork may open neither socket nor file.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyoxigraph as ox

from autoact.tools.box_server import Prepared
from autoact.tools.sparql import check, kind

LONGEST_CELL = 500
FACTS = 40
MEANINGS = 3
SIMILAR = 5
COMMON = 12
NAMES = (
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "http://xmlns.com/foaf/0.1/name",
    "http://schema.org/name",
    "https://schema.org/name",
)
OTHER_NAMES = ("http://www.w3.org/2004/02/skos/core#altLabel",)
# The same text in many languages, of which one is a fact.
DESCRIPTIONS = (
    "http://www.w3.org/2000/01/rdf-schema#comment",
    "http://www.w3.org/2004/02/skos/core#definition",
    "http://purl.org/dc/terms/description",
    "http://purl.org/dc/elements/1.1/description",
    "http://dbpedia.org/ontology/abstract",
    "http://schema.org/description",
    "https://schema.org/description",
)
SAID_APART = frozenset({*NAMES, *OTHER_NAMES, *DESCRIPTIONS})
Node = ox.NamedNode | ox.BlankNode  # what a name can stand for


def prepare(path: str, rows: str) -> Prepared:
    """What the file holds, and how a query or a name is answered. Raises ValueError when it cannot be read."""
    source = Path(path)
    if source.exists() and not source.is_file():  # a pipe would be waited for
        raise ValueError(f"{path} is no file")
    store = ox.Store()
    try:
        with source.open("rb") as file:
            parsed = ox.parse(file, format=_format(path), base_iri="file:///")
            store.extend(parsed)
            prefixes = dict(getattr(parsed, "prefixes", {}))
    except SyntaxError as problem:
        raise ValueError(f"{path} is not the RDF that its name says: {problem}") from None
    if not len(store):
        raise ValueError(f"{path} holds no fact")
    graph = _Graph(store, prefixes)
    about = {"facts": len(store), "prefixes": prefixes, "properties": graph.common_properties()}
    return Prepared(about, lambda request: graph.answer(request, int(rows)))


def _format(path: str) -> ox.RdfFormat:
    found = ox.RdfFormat.from_extension(path.rpartition(".")[2].lower())
    if found is None:
        raise ValueError(f"{path} has no ending of RDF, such as .ttl, .nt, .nq, .trig, .rdf or .jsonld")
    return found


class _Graph:
    """The facts, and which nodes have which name."""

    def __init__(self, store: ox.Store, prefixes: dict[str, str]) -> None:
        self.store = store
        self.prefixes = prefixes
        self.labels: dict[Node, str] = {}
        self.nodes: dict[str, dict[Node, None]] = {}
        for kinds in (NAMES, OTHER_NAMES):
            for quad in sorted(self._texts(None, kinds), key=lambda quad: _preference(quad, kinds)):
                self._name(quad.subject, quad.object.value)
        for quad in store:
            for node in (quad.subject, quad.object):
                if isinstance(node, ox.NamedNode) and node not in self.labels:
                    self._name(node, _local(node.value))

    def _name(self, node: Any, name: str) -> None:
        self.labels.setdefault(node, name)
        self.nodes.setdefault(_key(name), {})[node] = None

    def common_properties(self) -> list[str]:
        """The properties of most facts, in short."""
        query = f"SELECT ?p {{ ?s ?p ?o }} GROUP BY ?p ORDER BY DESC(COUNT(*)) LIMIT {COMMON}"
        return [self._short(row["p"]) for row in self._solutions(query)]

    def answer(self, request: str, limit: int) -> dict[str, Any]:
        """The rows of a query, or the facts of an entity. Raises ValueError for what is neither."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        if kind(request) == "update":
            raise ValueError("The graph can only be read: write SELECT or ASK.")
        return self._query(request, limit) if kind(request) == "query" else self._facts(request)

    def _query(self, query: str, limit: int) -> dict[str, Any]:
        check(query)
        try:
            found = self._solutions(query)
            if isinstance(found, ox.QueryBoolean):
                return {"columns": ["answer"], "rows": [["yes" if found else "no"]], "more": False}
            if isinstance(found, ox.QueryTriples):
                raise ValueError("The graph answers SELECT and ASK.")
            columns = [variable.value for variable in found.variables]
            rows = [[self._shown(term) for term in row] for row in islice(found, limit + 1)]
        except SyntaxError as problem:
            raise ValueError(f"The query is wrong: {_reason(problem)}") from None
        except OSError as problem:
            raise ValueError(f"The query cannot be answered: {_reason(problem)}") from None
        return {"columns": columns, "rows": rows[:limit], "more": len(rows) > limit}

    def _solutions(self, query: str) -> Any:
        return self.store.query(query, prefixes=self.prefixes, use_default_graph_as_union=True)

    def _facts(self, name: str) -> dict[str, Any]:
        nodes = list(self.nodes.get(_key(name), ())) or self._by_address(name.strip())
        if not nodes:
            similar = "; ".join(self._similar(name))
            hint = f"Similar names: {similar}." if similar else "No name is similar."
            raise ValueError(f"No entity is named {name[:200]}. {hint}")
        found = [fact for node in nodes[:MEANINGS] for fact in islice(self._of(node), FACTS + 1)]
        return {"facts": found[:FACTS], "more": len(found) > FACTS}

    def _by_address(self, text: str) -> list[Node]:
        """The node that an IRI or a prefixed name stands for, if it is in the graph."""
        prefix, colon, rest = text.strip("<>").partition(":")
        address = self.prefixes[prefix] + rest if colon and prefix in self.prefixes else text.strip("<>")
        try:
            node = ox.NamedNode(address)
        except ValueError:
            return []
        return [node] if node in self.labels else []

    def _of(self, node: Node) -> Iterator[str]:
        """What the graph says of a node: what describes it first, then the rest as a subject, then as an object."""
        for address in DESCRIPTIONS:
            texts = sorted(self._texts(node, (address,)), key=lambda quad: _preference(quad, DESCRIPTIONS))
            yield from map(self._fact, texts[:1])
        for quad in self.store.quads_for_pattern(node, None, None):
            if quad.predicate.value not in SAID_APART or not isinstance(quad.object, ox.Literal):
                yield self._fact(quad)
        for quad in self.store.quads_for_pattern(None, None, node):
            yield self._fact(quad)

    def _texts(self, node: Node | None, kinds: Sequence[str]) -> Iterator[Any]:
        """The facts under such properties that are texts, of a node or of all."""
        for address in kinds:
            quads = self.store.quads_for_pattern(node, ox.NamedNode(address), None)
            yield from (quad for quad in quads if isinstance(quad.object, ox.Literal))

    def _fact(self, quad: ox.Quad) -> str:
        return " – ".join(self._label(term) for term in (quad.subject, quad.predicate, quad.object))

    def _similar(self, name: str) -> list[str]:
        """Names that share words with a name, those that share most first."""
        asked = set(_words(name))
        shared = ((len(asked & set(key.split())), key) for key in self.nodes)
        best = sorted((-count, len(key), key) for count, key in shared if count)[:SIMILAR]
        return [self.labels[next(iter(self.nodes[key]))][:LONGEST_CELL] for _, _, key in best]

    def _label(self, term: Any) -> str:
        if isinstance(term, ox.Literal):
            return term.value[:LONGEST_CELL]
        name = self.labels.get(term) or (_local(term.value) if isinstance(term, ox.NamedNode) else str(term))
        return name[:LONGEST_CELL]

    def _shown(self, term: Any) -> str | None:
        if isinstance(term, ox.NamedNode):
            return self._short(term)
        return None if term is None else str(getattr(term, "value", term))[:LONGEST_CELL]

    def _short(self, node: ox.NamedNode) -> str:
        for prefix, start in self.prefixes.items():
            if node.value.startswith(start) and re.fullmatch(r"[\w-]+", node.value[len(start) :]):
                return f"{prefix}:{node.value[len(start) :]}"
        return f"<{node.value[:LONGEST_CELL]}>"


def _preference(fact: Any, kinds: Sequence[str]) -> tuple[int, int, str, str]:
    """The order of texts: without a language, in English, in any other; of these, as their properties are listed."""
    language = fact.object.language or ""
    rank = 0 if not language else 1 if language == "en" else 2 if language.startswith("en-") else 3
    return rank, kinds.index(fact.predicate.value), language, fact.object.value


def _local(address: str) -> str:
    """The end of an IRI as a name: `…/South_America` is South America."""
    return unquote(re.split(r"[/#]", address.rstrip("/#"))[-1]).replace("_", " ") or address


def _key(name: str) -> str:
    return " ".join(_words(name))


def _words(name: str) -> Iterable[str]:
    return re.findall(r"\w+", name.casefold()) or name.casefold().split()


def _reason(problem: Exception) -> str:
    return " ".join(str(problem).split())[:300]
