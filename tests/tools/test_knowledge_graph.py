"""A graph shows the facts of an entity and answers SPARQL, from one file and no other source."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.core.errors import TaskError
from autoact.tools.knowledge_graph import Settings, knowledge_graph_tool, live, missing

GRAPH = """
@prefix ex: <http://ex.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:Peru rdfs:label "Peru" ; ex:capital ex:Lima ; ex:currency "sol"@es ; ex:borders ex:Bolivia, ex:Ecuador .
ex:Lima rdfs:label "Lima" ; ex:founded 1535 .
ex:Lima_Ohio rdfs:label "Lima" ; ex:state ex:Ohio .
ex:South_America ex:has ex:Peru .
ex:capital rdfs:label "capital city" .
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("task")
    (folder / "geo.ttl").write_text(GRAPH)
    return folder


@pytest.fixture(scope="module")
def graph(folder: Path) -> BaseTool:
    return knowledge_graph_tool(Settings(file="geo.ttl", seconds=0.5), folder)


@pytest.mark.parametrize("name", ["Peru", " PERU ", "ex:Peru", "http://ex.org/Peru", "<http://ex.org/Peru>"])
def test_an_entity_is_found_by_name_and_by_address(graph: BaseTool, name: str) -> None:
    assert sorted(graph.invoke({"query": name}).splitlines()) == [
        "Peru – borders – Bolivia",
        "Peru – borders – Ecuador",
        "Peru – capital city – Lima",
        "Peru – currency – sol",
        "South America – has – Peru",
    ]


def test_an_entity_without_a_label_has_the_end_of_its_address_for_a_name(graph: BaseTool) -> None:
    assert graph.invoke({"query": "south america"}) == "South America – has – Peru"


LANGUAGES = [
    ['rdfs:label "Peru"', 'rdfs:label "Perú"@es', 'rdfs:label "The Peru"@en'],
    ['rdfs:label "Peru"@en', 'rdfs:label "Aru"@de', 'rdfs:label "A Peru"@en-gb'],
    ['rdfs:label "Peru"@en-GB', 'rdfs:label "Perú"@es', 'skos:altLabel "PE"'],
    ['rdfs:label "Pérou"@fr', 'skos:prefLabel "Peru"@en', 'skos:altLabel "PE"@en'],
    ['rdfs:label "Peru"@de', 'rdfs:label "Perú"@es', 'rdfs:label "Pérou"@fr'],
]


@pytest.mark.parametrize("names", LANGUAGES)
@pytest.mark.parametrize("turned", [False, True])
def test_a_name_and_a_description_are_shown_in_one_language(tmp_path: Path, names: list[str], turned: bool) -> None:
    said = names[::-1] if turned else names
    described = [name.partition(" ")[2] for name in said if not name.startswith("skos:altLabel")]
    (tmp_path / "geo.ttl").write_text(f"""
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        <http://e/1> {" ; ".join(said)} ; rdfs:comment {", ".join(described)} .
        <http://e/2> <http://e/of> <http://e/1> .""")
    graph = knowledge_graph_tool(Settings(file="geo.ttl"), tmp_path)
    for name in ("http://e/1", *(name.split('"')[1] for name in names)):
        assert graph.invoke({"query": name}).splitlines() == ["Peru – comment – Peru", "2 – of – Peru"]


def test_all_entities_of_a_name_are_shown(graph: BaseTool) -> None:
    facts = {"Lima – founded – 1535", "Peru – capital city – Lima", "Lima – state – Ohio"}
    assert set(graph.invoke({"query": "Lima"}).splitlines()) == facts


def test_an_unknown_name_gets_similar_ones(graph: BaseTool) -> None:
    with pytest.raises(ToolException, match=r"^No entity is named North America\. Similar names: South America\.$"):
        graph.invoke({"query": "North America"})
    with pytest.raises(ToolException, match=r"No name is similar\.$"):
        graph.invoke({"query": "Atlantis"})


def test_lookup_can_read_the_facts(graph: BaseTool) -> None:
    call = {"type": "tool_call", "id": "1", "name": "KnowledgeGraph", "args": {"query": "South America"}}
    reply = asyncio.run(graph.ainvoke(call))
    assert reply.artifact["memory"]["text"] == reply.text == "South America – has – Peru"
    assert reply.artifact["raw"] == {"facts": ["South America – has – Peru"], "more": False}


def test_the_usage_names_prefixes_and_properties(graph: BaseTool) -> None:
    usage = (graph.metadata or {})["usage"]
    assert usage.startswith(
        "the name of an entity alone, or one SPARQL query, SELECT or ASK; prefixes: ex: <http://ex.org/>, rdfs: <"
    )
    assert "ex:borders" in usage.partition("properties: ")[2]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT ?c WHERE { ex:Peru ex:capital ?c }", "c\nex:Lima"),
        ("# which\nPREFIX e: <http://ex.org/> SELECT ?y { e:Lima e:founded ?y }", "y\n1535"),
        ("SELECT (COUNT(*) AS ?n) { ex:Peru ex:borders ?x }", "n\n2"),
        ("SELECT ?x { ex:Peru ex:river ?x }", "x\nNo row matches."),
        ("SELECT ?x ?y { ex:Lima ex:founded ?x OPTIONAL { ex:Lima ex:river ?y } }", "x | y\n1535 | NULL"),
        ("ASK { ex:Peru ex:borders ex:Bolivia }", "answer\nyes"),
        ("ASK { ex:Peru ex:borders ex:Chile }", "answer\nno"),
        ('SELECT ?x { ?x ex:currency "SERVICE"@es }', "x\nNo row matches."),
    ],
)
def test_a_query_is_answered_with_rows(graph: BaseTool, query: str, shown: str) -> None:
    assert graph.invoke({"query": query}) == shown


def test_rows_and_facts_past_the_limit_are_left_out(tmp_path: Path) -> None:
    lines = (f"<http://ex.org/hub> <http://ex.org/p> <http://ex.org/n{i}> ." for i in range(100))
    (tmp_path / "many.nt").write_text("\n".join(lines))
    graph = knowledge_graph_tool(Settings(file="many.nt", rows=5), tmp_path)
    rows = graph.invoke({"query": "SELECT ?x { ?hub ?p ?x }"}).splitlines()
    assert (len(rows), rows[-1]) == (7, "The first 5 rows are shown; there are more.")
    facts = graph.invoke({"query": "hub"}).splitlines()
    assert (len(facts), facts[-1]) == (41, "There are more facts; a SPARQL query finds them.")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT * { SERVICE <http://127.0.0.1:1/sparql> { ?s ?p ?o } }", "SERVICE is refused"),
        ("SELECT * { service silent <http://127.0.0.1:1/sparql> { ?s ?p ?o } }", "SERVICE is refused"),
        ("LOAD <http://127.0.0.1:1/data.ttl>", "can only be read"),
        ("INSERT DATA { ex:a ex:b 1 }", "can only be read"),
        ("DELETE WHERE { ?s ?p ?o }", "can only be read"),
        ("PREFIX a: <http://b/> INSERT DATA { a:a a:b 1 }", "The query is wrong"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "The graph answers SELECT and ASK"),
        ("SELECT ?x {", "The query is wrong"),
        ("SELECT (COUNT(*) AS ?n) { " + "".join(f"?a{i} ?b{i} ?c{i} . " for i in range(15)) + "}", r"longer than 0\.5"),
    ],
)
def test_what_is_no_reading_of_this_graph_is_refused(graph: BaseTool, query: str, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(ToolException, match=reason):
        graph.invoke({"query": query})
    assert time.monotonic() - began < 1.5
    assert graph.invoke({"query": "South America"}) == "South America – has – Peru"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.nt", "<http://e/a> <http://e/b> <http://e/c> ."),
        ("a.nq", "<http://e/a> <http://e/b> <http://e/c> <http://e/g> ."),
        ("a.trig", "<http://e/g> { <http://e/a> <http://e/b> <http://e/c> }"),
        (
            "a.rdf",
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">'
            '<rdf:Description rdf:about="http://e/a"><e:b rdf:resource="http://e/c"/></rdf:Description></rdf:RDF>',
        ),
        ("a.jsonld", '{"@id": "http://e/a", "http://e/b": {"@id": "http://e/c"}}'),
    ],
)
def test_a_file_is_read_as_its_ending_says(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert knowledge_graph_tool(Settings(file=name), tmp_path).invoke({"query": "a"}) == "a – b – c"


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ttl")
    with pytest.raises(TaskError, match=r"toolbox\.KnowledgeGraph\.file: .*pipe\.ttl is no file"):
        knowledge_graph_tool(Settings(file="pipe.ttl"), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.ttl", "ex:a ex:b ex:c .", "is not the RDF that its name says"),
        ("a.ttl", "# nothing", "holds no fact"),
        ("a.csv", "a,b", "has no ending of RDF"),
        ("absent.ttl", None, "No such file"),
    ],
)
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, name: str, content: str | None, reason: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(TaskError, match=f"^toolbox.KnowledgeGraph.file: .*{reason}"):
        knowledge_graph_tool(Settings(file=name), tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert missing(Settings()) == "toolbox.KnowledgeGraph.file: an RDF file, or backend: wikidata"
    assert missing(Settings(backend="wikidata")).startswith("toolbox.KnowledgeGraph.contact: a mail address")
    assert missing(Settings(backend="wikidata", contact="me@example.org")) == missing(Settings(file="x")) == ""
    with pytest.raises(TaskError, match="file: is missing"):
        knowledge_graph_tool(Settings(), tmp_path)


def test_only_wikidata_is_live() -> None:
    assert live(Settings(file="x")) == ""
    assert live(Settings(backend="wikidata")) == "wikidata https://query.wikidata.org/sparql en"
