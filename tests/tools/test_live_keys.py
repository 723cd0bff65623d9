"""What a live answer is kept under: the backend, every setting and file that it may depend on, the input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.tools import StructuredTool
from langgraph.prebuilt import InjectedState

from autoact.core.task import check_task
from autoact.tools import image2text, imported, text2image
from autoact.tools.cassette import Cassette
from autoact.tools.image2text import Settings, image2text_tool
from autoact.tools.library import LIBRARY, NoSettings, input_fields
from autoact.tools.live import NOT_IN_KEY, Live, keyed
from autoact.tools.mcp_servers import Server
from autoact.tools.toolbox import offered_tools

NONE = NoSettings()
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.sqlite"


def test_no_answer_depends_on_the_settings_that_are_left_out_of_its_key() -> None:
    left_out = {f"{name}.{field}" for name, entry in LIBRARY.items() for field in entry.settings.model_fields}
    assert {each for each in left_out if each.partition(".")[2] in NOT_IN_KEY} == {
        "Search.timeout",
        "Search.per_second",
        "Retrieve.contact",
        "Retrieve.timeout",
        "Retrieve.per_second",
        "Image2Text.timeout",
        "Text2Image.key_variable",
        "Text2Image.timeout",
        "KnowledgeGraph.contact",
        "KnowledgeGraph.timeout",
        "Database.password_variable",
    }
    assert not NOT_IN_KEY & {*Server.model_fields, *imported.Settings.model_fields}


@pytest.mark.parametrize("name", LIBRARY)
def test_every_other_setting_is_part_of_the_key(name: str) -> None:
    usual = LIBRARY[name].settings()
    for field in type(usual).model_fields:
        value = getattr(usual, field)
        other = usual.model_copy(update={field: f"{value}x" if isinstance(value, str) else value + 1})
        assert (keyed("x", usual) == keyed("x", other)) is (field in NOT_IN_KEY)


def test_what_an_imported_tool_is_made_with_is_part_of_the_key_and_not_to_be_read_in_it() -> None:
    weather, other = (
        imported.Settings.model_validate({"import": "weather:Tool", "arguments": {"key": key, "more": {1: 2, "x": 3}}})
        for key in ("hunter2", "hunter3")
    )
    assert keyed("x", weather) != keyed("x", other)
    assert "hunter" not in keyed("x", weather)


def test_an_answer_is_asked_for_anew_when_a_setting_changes(serve: Any, say: Any, tmp_path: Path) -> None:
    rows = {"head": {"vars": ["n"]}, "results": {"bindings": [{"n": {"value": str(n)}} for n in range(3)]}}
    server = serve(lambda _: say(rows))

    def shown(**settings: Any) -> str:
        wikidata = {"backend": "wikidata", "contact": "me@example.org", "url": server.url, **settings}
        task = {
            "name": "T",
            "description": "d",
            "model": "openai:m",
            "examples": [{"question": "q", "answer": "a"}],
            "tools": ["KnowledgeGraph"],
            "toolbox": {"KnowledgeGraph": wikidata},
            "cassette": "cassette.sqlite",
        }
        (tool,) = offered_tools(check_task(task, tmp_path / "task.yaml")).tools
        return str(tool.invoke({"query": "SELECT ?n { }"}))

    assert "first 2 rows" in shown(rows=2)
    assert "first row" in shown(rows=1)
    shown(rows=2, timeout=9)
    cassette = Cassette(tmp_path / "cassette.sqlite")
    assert (len(cassette), cassette.drifts()) == (2, [])


def test_an_image_that_has_changed_is_looked_at_anew(path: Path) -> None:
    settings = Settings(backend="ocr", images=".")
    image, cassette = path.parent / "map.png", Cassette(path)

    def run(image: str, state: Annotated[dict[str, Any], InjectedState]) -> str:
        return image + str(state)

    looks = StructuredTool.from_function(run, name="Look", description="looks.")
    live = Live(cassette).wrap(looks, "x", settings, lambda i: image2text.content(settings, path.parent, i))
    for content, asked in ((b"a", "map.png"), (b"b", "map.png"), (b"b", "image"), (b"c", "image")):
        image.write_bytes(PNG + content)
        live.invoke({"image": asked, "state": {"image": "map.png"}})
    assert len(cassette) == 4
    live.invoke({"image": "absent.png", "state": {}})
    assert len(cassette) == 5


def test_the_image_of_the_library_tool_is_part_of_its_key() -> None:
    assert LIBRARY["Image2Text"].content is image2text.content
    live = [name for name, entry in LIBRARY.items() if entry.content]
    assert live == ["Image2Text"]


def test_a_drawing_has_its_model_and_size_in_the_key() -> None:
    usual = text2image.Settings(url="http://h", model="a")
    others = [usual.model_copy(update=change) for change in ({"model": "b"}, {"size": "1x1"}, {"images": "drawn"})]
    assert len({keyed(text2image.live(each), each) for each in (usual, *others)}) == 4


def test_of_the_state_only_what_came_with_the_image_is_part_of_the_input_of_our_tools(path: Path) -> None:
    cassette = Cassette(path)
    live = Live(cassette).wrap(image2text_tool(Settings(), path.parent), "x", NONE)
    for state in ({"caption": "a"}, {"caption": "a", "memory": 1}, {"caption": "b"}):
        live.invoke({"image": "q", "state": state})
    assert len(cassette) == 2
    assert input_fields(live) == {"image": "string"}


def test_a_tool_of_others_that_reads_the_state_is_asked_for_each_state() -> None:
    def run(query: str, state: Annotated[dict[str, Any], InjectedState]) -> str:
        return f"{query} {state['question']}"

    live = Live().wrap(StructuredTool.from_function(run, name="Look", description="looks."), "x", NONE)
    said = [live.invoke({"query": "q", "state": {"question": each}}) for each in ("a", "b")]
    assert said == ["q a", "q b"]


def test_an_argument_that_is_called_state_is_no_state() -> None:
    def run(**inputs: Any) -> str:
        return str(inputs)

    run.__module__ = "autoact.tools.mcp_servers"
    schema = {"type": "object", "properties": {"state": {"type": "object"}}}
    weather = StructuredTool(name="weather", description="w.", args_schema=schema, func=run)
    live = Live().wrap(weather, "x", NONE)
    assert live.invoke({"state": {"code": "CA"}}) != live.invoke({"state": {"code": "NY"}})
