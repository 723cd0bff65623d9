"""Wikidata is asked as its documentation says, and each of its refusals is told from the others.

A loopback server replays documented answers; the service itself was not asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.core.errors import TaskError
from autoact.tools.failures import ToolFailure, ToolTimeout, ToolUnreachable
from autoact.tools.knowledge_graph import Settings, knowledge_graph_tool

PERU = {"id": "Q419", "label": "Peru", "description": "country in South America"}
OTHER = {"id": "Q1035614", "label": "Peru", "description": "city in Illinois"}
FACTS = [("capital", "Lima"), ("currency", "sol")]


def uri(value: str) -> dict[str, str]:
    return {"type": "uri", "value": value}


def result(*rows: dict[str, Any]) -> dict[str, Any]:
    """An answer of the query service (SPARQL 1.1 Query Results JSON Format)."""
    return {"head": {"vars": list(rows[0]) if rows else ["x"]}, "results": {"bindings": list(rows)}}


def facts(*pairs: tuple[str, str]) -> dict[str, Any]:
    literal = {"type": "literal", "xml:lang": "en"}
    return result(
        *({"propertyLabel": {**literal, "value": p}, "valueLabel": {**literal, "value": v}} for p, v in pairs)
    )


@pytest.fixture
def wikidata(serve: Any, say: Any, tmp_path: Path) -> Any:
    """`wikidata(sparql answer, entities)`: the tool and the server that it asks."""

    def start(sparql: Any, *entities: dict[str, str]) -> tuple[BaseTool, Any]:
        found = {"searchinfo": {"search": "x"}, "search": list(entities), "success": 1}
        server = serve(lambda asked: say(found) if asked.path == "/w/api.php" else sparql)
        url, api = f"{server.url}/sparql", f"{server.url}/w/api.php"
        settings = Settings(backend="wikidata", contact="me@example.org", url=url, api=api, timeout=1)
        return knowledge_graph_tool(settings, tmp_path), server

    return start


def test_an_entity_is_found_by_name_and_its_facts_are_asked_for(wikidata: Any, say: Any) -> None:
    tool, server = wikidata(say(facts(*FACTS)), PERU, OTHER)
    assert tool.invoke({"query": "Peru"}).splitlines() == [
        "Peru (Q419) – description – country in South America",
        "Peru – capital – Lima",
        "Peru – currency – sol",
        "Other entities of that name: Peru (city in Illinois)",
    ]
    assert server.asked[0].query["action"] == "wbsearchentities"
    assert "wd:Q419 ?claim ?value" in server.asked[1].query["query"]


def test_we_say_who_we_are(wikidata: Any, say: Any) -> None:
    tool, server = wikidata(say(facts(*FACTS)), PERU)
    tool.invoke({"query": "Peru"})
    assert all("me@example.org" in asked.headers["user-agent"] for asked in server.asked)
    assert server.asked[1].headers["accept"] == "application/sparql-results+json"


def test_a_name_of_nothing_is_said_to_be_one(wikidata: Any, say: Any) -> None:
    tool, _ = wikidata(say({}))
    with pytest.raises(ToolException, match=r"^No entity is named Atlantis\.$"):
        tool.invoke({"query": "Atlantis"})


def test_a_query_is_answered_with_short_addresses(wikidata: Any, say: Any) -> None:
    row = {"c": uri("http://www.wikidata.org/entity/Q2868"), "p": uri("http://www.wikidata.org/prop/direct/P36")}
    tool, server = wikidata(say(result(row)))
    query = "SELECT ?c ?p WHERE { wd:Q419 ?p ?c }"
    assert tool.invoke({"query": query}) == "c | p\nwd:Q2868 | wdt:P36"
    assert server.asked[0].query == {"query": query, "format": "json"}


def test_an_unbound_variable_is_null_and_ask_is_yes_or_no(wikidata: Any, say: Any) -> None:
    rows = {"head": {"vars": ["x", "y"]}, "results": {"bindings": [{"x": {"type": "literal", "value": "1"}}]}}
    assert wikidata(say(rows))[0].invoke({"query": "SELECT ?x ?y { }"}) == "x | y\n1 | NULL"
    assert wikidata(say({"head": {}, "boolean": False}))[0].invoke({"query": "ASK { }"}) == "answer\nno"


def test_rows_past_the_limit_are_left_out(wikidata: Any, say: Any) -> None:
    tool, _ = wikidata(say(result(*({"x": {"type": "literal", "value": str(i)}} for i in range(99)))))
    assert tool.invoke({"query": "SELECT ?x { }"}).endswith("29\nThe first 30 rows are shown; there are more.")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("INSERT DATA { wd:Q1 wdt:P1 1 }", "can only be read"),
        ("SELECT * { SERVICE <http://a/> { } }", "SERVICE is refused"),
        ("SELECT * { } #" + "x" * 4000, "too long: at most 4,000"),
        ("x" * 10_000_000, "too long: at most 4,000"),
    ],
)
def test_what_would_not_be_reading_is_not_even_asked(wikidata: Any, say: Any, query: str, reason: str) -> None:
    tool, server = wikidata(say(result()))
    with pytest.raises(ToolException, match=reason):
        tool.invoke({"query": query})
    assert server.asked == []


MALFORMED = (
    "SPARQL-QUERY: queryStr=SELECT ?x {\njava.util.concurrent.ExecutionException: "
    'org.openrdf.query.MalformedQueryException: Encountered "<EOF>" at line 1, column 11.\n\tat java.base/…'
)
SLOW = "SPARQL-QUERY: queryStr=…\njava.util.concurrent.TimeoutException\n\tat java.base/java.util.concurrent.FutureTask"


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, MALFORMED, ToolException, r'^The query is wrong: Encountered "<EOF>" at line 1, column 11\.$'),
        (500, SLOW, ToolException, "takes longer than Wikidata allows"),
        (429, "Too Many Requests - retry after 40", ToolFailure, "too many queries; wait 40 seconds"),
        (403, "Please set a user-agent", ToolFailure, "answered 403; see to contact:"),
        (502, "<html>Bad Gateway", ToolFailure, "answered 502"),
        (200, "<html>", ToolFailure, "not JSON"),
        (200, "[" * 100_000, ToolFailure, "not JSON"),
        (200, '{"head": {"vars": ["x"]}, "results": {"bindings": [7]}}', ToolFailure, "no result of a query"),
        (200, "[]", ToolFailure, "no result of a query"),
    ],
)
def test_each_refusal_is_told_from_the_others(
    wikidata: Any, say: Any, status: int, body: str, kind: type[Exception], reason: str
) -> None:
    tool, _ = wikidata(say(body.encode(), status, {"Retry-After": "40"}))
    with pytest.raises(ToolException, match=reason) as caught:
        tool.invoke({"query": "SELECT ?x { }"})
    assert type(caught.value) is kind


def test_a_server_that_is_down_or_slow_is_a_failure(wikidata: Any, say: Any, tmp_path: Path) -> None:
    gone = Settings(backend="wikidata", contact="a", url="http://127.0.0.1:1/", api="http://127.0.0.1:1/")
    with pytest.raises(ToolUnreachable):
        knowledge_graph_tool(gone, tmp_path).invoke({"query": "ASK { }"})
    tool, _ = wikidata(say(b"", 200, {"Content-Length": "10"}))
    with pytest.raises((ToolTimeout, ToolUnreachable)):
        tool.invoke({"query": "ASK { }"})


@pytest.mark.parametrize("field", ["url", "api"])
def test_an_address_that_can_never_be_asked_is_refused_when_the_tool_is_made(tmp_path: Path, field: str) -> None:
    settings = Settings(backend="wikidata", contact="me@example.org", **{field: "query.wikidata.org"})
    with pytest.raises(TaskError, match=r"^toolbox\.KnowledgeGraph\.[a-z]+ is wrong: "):
        knowledge_graph_tool(settings, tmp_path)


@pytest.mark.parametrize("contact", ["zoë@example.org", "me@example.org\nX-Key: k"])
def test_a_contact_can_be_sent_in_a_header(contact: str, tmp_path: Path) -> None:
    told = r"^toolbox\.KnowledgeGraph\.contact is wrong: it is sent in a header, so it must be printable ASCII"
    with pytest.raises(TaskError, match=told):
        knowledge_graph_tool(Settings(backend="wikidata", contact=contact), tmp_path)
