"""Hostile SPARQL, and hostile names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.knowledge_graph import Settings, knowledge_graph_tool

RIGHT = ("Peru", "Peru – capital – Lima")
CASES = [
    # joins without end
    "SELECT (COUNT(*) AS ?n) { " + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(20)) + " }",
    "SELECT * { " + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(12)) + " } ORDER BY ?a1 ?b3 ?c7",
    "SELECT DISTINCT ?a ?c ?e { ?a ?b ?x . ?c ?d ?y . ?e ?f ?z . ?g ?h ?i . ?j ?k ?l FILTER(?a != ?e) }",
    "SELECT * { ?a (<http://ex.org/next>|^<http://ex.org/next>)* ?b . ?c (<http://ex.org/next>|!<http://x.org/y>)* ?d}",
    "SELECT * { ?a !<http://x.org/a>* ?b . ?b !<http://x.org/b>* ?c . ?c !<http://x.org/c>* ?d } ORDER BY ?d",
    "SELECT (COUNT(*) AS ?n) { " + "{ ?a ?b ?c } UNION " * 200 + "{ ?a ?b ?c } ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }",
    "SELECT * { FILTER NOT EXISTS { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l FILTER(?a = ?l && ?d = ?i && ?b = ?j) }}",
    # memory
    "SELECT ?x { BIND('a' AS ?a0) "
    + " ".join(f"BIND(CONCAT(?a{i}, ?a{i}) AS ?a{i + 1})" for i in range(40))
    + " BIND(?a40 AS ?x) }",
    "SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?c), STR(?e))) AS ?x) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }",
    "SELECT ?x { BIND(REPLACE('"
    + "a" * 2000
    + "', 'a', '"
    + "b" * 2000
    + "') AS ?y) BIND(REPLACE(?y, 'b', ?y) AS ?x) }",
    "SELECT (REGEX('" + "a" * 5000 + "b', '(a+)+$') AS ?x) {}",
    "SELECT (REGEX('a', '((a{1,1000}){1,1000}){1,1000}') AS ?x) {}",
    "SELECT (10000000000 * 10000000000 AS ?x) {}",
    "SELECT (SHA512(CONCAT(" + ", ".join(["STR(RAND())"] * 600) + ")) AS ?x) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "SELECT * { " + "OPTIONAL { ?a ?b ?c " * 400 + "}" * 400 + " }",
    "SELECT * { ?a " + "/".join(["<http://ex.org/next>?"] * 250) + " ?b }",
    "SELECT * { ?a (" + "(" * 200 + "<http://ex.org/next>" + ")*" * 200 + ") ?b }",
    "SELECT * { ?a " + "|".join(["<http://ex.org/next>+"] * 250) + " ?b . ?c ?d ?e } ORDER BY RAND()",
    "SELECT * { VALUES ?x { " + "1 " * 4000 + "} VALUES ?y { " + "1 " * 500 + "} VALUES ?z { " + "1 " * 300 + "} }",
    "SELECT * { ?a ?b ?c } GROUP BY " + " ".join(f"(STR(?a) AS ?g{i})" for i in range(400)),
    "SELECT (STRUUID() AS ?x) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?x",
    "SELECT " + " ".join(f"(1 AS ?x{i})" for i in range(700)) + " {}",
    "SELECT (1e999999999 AS ?x) (99999999999999999999999999 AS ?y) ('x'@en AS ?z) {}",
    "DESCRIBE ?a { ?a ?b ?c }",
    "CONSTRUCT { ?a ?b ?f } WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "BASE <file:///etc/passwd> SELECT * FROM <> { ?s ?p ?o }",
    "SELECT * { GRAPH <file:///etc/passwd> { ?s ?p ?o } }",
    # other servers, files and changes
    "SELECT * { SERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
    "SELECT * { SERVICE SILENT <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
    "SELECT * { SERVICE <http://169.254.169.254/latest/meta-data> { ?s ?p ?o } }",
    "SELECT * { S\\u0045RVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
    "SELECT * { BIND(<http://127.0.0.1:PORT/> AS ?x) SERVICE ?x { ?s ?p ?o } }",
    "SELECT * { # '''\nSERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } # '''\n}",
    "SELECT * FROM <http://127.0.0.1:PORT/> { ?s ?p ?o }",
    "SELECT * FROM <file://SECRET_FILE> { ?s ?p ?o }",
    "PREFIX a: <http://127.0.0.1:PORT/> LOAD a:x",
    "LOAD <http://127.0.0.1:PORT/>",
    "LOAD <file://SECRET_FILE>",
    "INSERT DATA { <http://ex.org/a> <http://ex.org/b> 1 }",
    "DELETE WHERE { ?s ?p ?o }",
    "DROP ALL",
    "CLEAR ALL",
    # source
    "SELECT * {" + "{" * 4900 + "}" * 4900 + "}",
    "SELECT (" + "(" * 4900 + "1" + ")" * 4900 + " AS ?x) {}",
    "SELECT (" + "!" * 9900 + "1 AS ?x) {}",
    "SELECT * { ?s " + "(" * 4900 + "<http://a.b/c>" + ")" * 4900 + " ?o }",
    "SELECT * { " + '"""' * 3300,
    "PREFIX " * 1400,
    "#\n" * 4900,
    "# x\n\n" * 1900 + "SELECT",
    "word " * 1900,
    "Peru" * 2400,
    "<" * 9900,
    "ex:" * 3000,
]


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> BaseTool:
    folder = tmp_path_factory.mktemp("task")
    facts = [f"<http://ex.org/n{i}> <http://ex.org/next> <http://ex.org/n{i + 1}> ." for i in range(300)]
    (folder / "geo.nt").write_text(
        "\n".join(["<http://ex.org/Peru> <http://ex.org/capital> <http://ex.org/Lima> .", *facts])
    )
    return knowledge_graph_tool(Settings(file="geo.nt", seconds=0.4), folder)


def test_hostile_sparql_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
