"""Wikidata as a knowledge graph: an entity by its name, or a SPARQL query at the query service.

    Wikidata(contact="me@example.org").answer("Peru", 30)      # {"facts": ["Peru – capital – Lima", …], "more": True}

Wikimedia refuses callers that do not say who they are. Wikidata itself was not asked in our tests: a loopback server
replays what its documentation says it answers. A query that is too slow is not asked again: the planner must ask
for less.
"""

from __future__ import annotations

import json
from typing import Any

from langchain_core.tools import ToolException

from autoact.core.errors import TaskError
from autoact.tools.addresses import backend_url
from autoact.tools.failures import ToolFailure
from autoact.tools.network import USER_AGENT, Reply, fetch, header_text
from autoact.tools.service import Service, ask
from autoact.tools.sparql import check, kind

SPARQL = "https://query.wikidata.org/sparql"
API = "https://www.wikidata.org/w/api.php"
FACTS = 40
CANDIDATES = 5
LONGEST_QUERY = 4000
LONGEST_CELL = 500
SHORT = {
    "http://www.wikidata.org/entity/": "wd:",
    "http://www.wikidata.org/prop/direct/": "wdt:",
    "http://www.wikidata.org/prop/statement/": "ps:",
    "http://www.wikidata.org/prop/": "p:",
}
FACTS_OF = """SELECT ?propertyLabel ?valueLabel WHERE {{
  wd:{id} ?claim ?value . ?property wikibase:directClaim ?claim ; wikibase:propertyType ?type .
  FILTER(?type != wikibase:ExternalId)
  SERVICE wikibase:label {{ bd:serviceParam wikibase:language "{language}". }}
}} LIMIT {limit}"""


class Wikidata:
    """The two services of Wikidata, and how to ask them."""

    def __init__(self, url: str, api: str, contact: str, language: str, timeout: float) -> None:
        for field, check_text, text in (
            ("url", backend_url, url),
            ("api", backend_url, api),
            ("contact", header_text, contact),
        ):
            try:
                check_text(text)
            except ValueError as problem:
                raise TaskError(f"toolbox.KnowledgeGraph.{field} is wrong: {problem}") from None
        self._url = url
        self._search = Service("wikidata", api, access="contact:, which must say who you are", seconds=timeout)
        self._headers = {"User-Agent": f"{USER_AGENT} {contact}".strip(), "Accept": "application/sparql-results+json"}
        self._language = language
        self._timeout = timeout

    def answer(self, request: str, limit: int) -> dict[str, Any]:
        """The rows of a query, or the facts of an entity. Raises ToolException for what is neither."""
        asked = kind(request[:LONGEST_QUERY])
        if len(request) > LONGEST_QUERY:
            raise ToolException(f"The input is too long: at most {LONGEST_QUERY:,} characters.")
        if asked == "update":
            raise ToolException("Wikidata can only be read: write SELECT or ASK.")
        if asked == "name":
            return self._facts(request.strip())
        try:
            check(request, labels=True)
        except ValueError as problem:
            raise ToolException(str(problem)) from None
        return self._select(request, limit)

    def _facts(self, name: str) -> dict[str, Any]:
        found = self._entities(name)
        if not found:
            raise ToolException(f"No entity is named {name[:200]}.")
        entity, *others = found
        query = FACTS_OF.format(id=entity["id"], language=self._language, limit=FACTS + 1)
        facts = self._select(query, FACTS)
        label = entity.get("label", name)
        lines = [f"{label} ({entity['id']}) – description – {entity.get('description', '')}"]
        lines += [f"{label} – {' – '.join(str(cell) for cell in row)}" for row in facts["rows"]]
        also = "; ".join(f"{other.get('label', '')} ({other.get('description', '')})" for other in others)
        return {"facts": lines + ([f"Other entities of that name: {also}"] if also else []), "more": facts["more"]}

    def _entities(self, name: str) -> list[dict[str, str]]:
        params = {
            "action": "wbsearchentities",
            "search": name.replace("\x00", " ").encode("utf-8", "replace").decode()[:250],
            "language": self._language,
            "uselang": self._language,
            "limit": str(CANDIDATES),
            "format": "json",
        }
        found = ask(self._search, params=params, headers={"User-Agent": self._headers["User-Agent"]})
        entities = found.get("search") if isinstance(found, dict) else None
        if not isinstance(entities, list):
            raise ToolFailure(f"Wikidata refused to search: {str(found)[:200]}")
        return [entity for entity in entities if isinstance(entity, dict) and str(entity.get("id", "")).isalnum()]

    def _select(self, query: str, limit: int) -> dict[str, Any]:
        params = {"query": query.replace("\x00", " ").encode("utf-8", "replace").decode(), "format": "json"}
        found = self._read(
            fetch(self._url, trusted=self._url, params=params, headers=self._headers, seconds=self._timeout)
        )
        if "boolean" in found:
            return {"columns": ["answer"], "rows": [["yes" if found["boolean"] else "no"]], "more": False}
        try:
            columns = [str(name) for name in found["head"]["vars"]]
            bindings = found["results"]["bindings"]
            rows = [[_term(binding.get(name)) for name in columns] for binding in bindings[:limit]]
        except (KeyError, TypeError, AttributeError):
            raise ToolFailure("Wikidata answered something that is no result of a query.") from None
        return {"columns": columns, "rows": rows, "more": len(bindings) > limit}

    def _read(self, reply: Reply) -> dict[str, Any]:
        said = reply.body.decode("utf-8", "replace")
        if reply.status == 400:
            raise ToolException(f"The query is wrong: {_malformed(said)}")
        if "TimeoutException" in said and reply.status >= 500:
            raise ToolException("The query takes longer than Wikidata allows; ask for less.")
        if reply.status == 429:
            wait = reply.headers.get("retry-after", "a while")
            raise ToolFailure(f"Wikidata answered 429, too many queries; wait {wait[:20]} seconds and ask more slowly.")
        if reply.status != 200:
            raise ToolFailure(f"Wikidata answered {reply.status}; see to contact: and the address.")
        try:
            found = json.loads(said)
        except (ValueError, RecursionError):
            raise ToolFailure("Wikidata answered something that is not JSON.") from None
        return found if isinstance(found, dict) else {}


def _malformed(said: str) -> str:
    """The line that says what is wrong, out of a Java stack trace that repeats the query first."""
    lines = [line for line in said.splitlines() if "MalformedQueryException" in line] or said.splitlines()[:1] or [""]
    return lines[0].rpartition("MalformedQueryException:")[2].strip()[:300]


def _term(binding: Any) -> str | None:
    if binding is None:
        return None
    text = str(binding["value"])
    for start, prefix in SHORT.items():
        if text.startswith(start):
            return prefix + text.removeprefix(start)
    return text[:LONGEST_CELL]
