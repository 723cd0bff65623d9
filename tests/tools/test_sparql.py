"""What a request to a knowledge graph is, however it is written."""

from __future__ import annotations

import time

import pytest

from autoact.tools.sparql import check, kind


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        ("SELECT ?x { ?x ?y ?z }", "query"),
        ("  # a comment\n  ask{?x ?y ?z}", "query"),
        ("PREFIX a: <http://b> SELECT * WHERE { ?x a:y ?z }", "query"),
        ("BASE <http://b> DESCRIBE ?x { ?x ?y ?z }", "query"),
        ("LOAD <http://b>", "update"),
        ("insert data { }", "update"),
        ("WITH <http://g> DELETE { } WHERE { }", "update"),
        ("DROP GRAPH <http://g>", "update"),
        ("Peru", "name"),
        ("Select Committee", "name"),
        ("Load", "name"),
        ("", "name"),
    ],
)
def test_a_request_is_a_query_an_update_or_a_name(request_: str, what: str) -> None:
    assert kind(request_) == what


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://a> {} }",
        "SELECT * { SerVice ?x {} }",
        "SELECT * { ?a ?b 'x' . SERVICE SILENT <http://a> {} }",
        "SELECT * { # ' \nSERVICE <http://a> {} # '\n}",
        "SELECT * { SERVICE wikibase:labels {} }",
    ],
)
def test_a_service_is_found_where_it_is_a_keyword(query: str) -> None:
    with pytest.raises(ValueError, match="SERVICE is refused"):
        check(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { ?a ?b 'SERVICE <http://a>' }",
        'SELECT * { ?a ?b """a\nSERVICE\n""" }',
        "SELECT * { ?a <http://b/SERVICE> ?c } # SERVICE",
        "SELECT ?service $SERVICE { ?service ?b $SERVICE }",
    ],
)
def test_the_word_elsewhere_is_no_service(query: str) -> None:
    check(query)


@pytest.mark.parametrize("query", ['"' * 10_000, "'''" * 3300, '"""' * 3300, "#" * 10_000, "<" * 10_000, "\\" * 10_000])
def test_no_query_takes_long_to_be_looked_through(query: str) -> None:
    began = time.monotonic()
    check(query)
    assert time.monotonic() - began < 1


def test_labels_are_no_other_server_at_wikidata_alone() -> None:
    labels = 'PREFIX wikibase: <http://127.0.0.1/> SELECT * { SERVICE wikibase:label { bd:x wikibase:language "en" } }'
    check(labels, labels=True)
    with pytest.raises(ValueError, match="SERVICE is refused"):
        check(labels)
    for name in ("wikibase:labels", "wikibase:label-x", "wikibase:label.x"):
        with pytest.raises(ValueError, match="SERVICE is refused"):
            check(f"SELECT * {{ SERVICE {name} {{}} }}", labels=True)
