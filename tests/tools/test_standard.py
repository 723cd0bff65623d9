"""LangChain's own tests of tools, over each tool of the library and a team as a tool, with no network."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from pytest_socket import disable_socket, enable_socket

from autoact.core.task import check_task
from autoact.graph.embed import as_tool
from autoact.graph.group import group_planning
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.memory import remember
from autoact.tools.toolbox import offered_tools

pytestmark = pytest.mark.anyio

INPUTS: dict[str, dict[str, Any]] = {
    "Search": {"query": "lighthouse"},
    "Retrieve": {"title": "Bass Rock"},
    "Lookup": {"keyword": "rock", "state": {"memory": remember("A rock in the sea.")}},
    "Image2Text": {"image": "image", "state": {"caption": "A lighthouse.", "ocr": "", "image": ""}},
    "KnowledgeGraph": {"query": "rock"},
    "Database": {"query": "SELECT name FROM place"},
    "Calculator": {"expression": "3 * 4"},
    "TableVerbalizer": {"table": "name,height\nBass Rock,107"},
    "Code": {"code": "print(3 * 4)"},
    "team": {"question": "Which rock?"},
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    # An event loop wakes itself, and a sandbox is spoken to, through Unix sockets.
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, BaseTool]:
    """Every tool that needs no service, over a world of one rock."""
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"title": "Bass Rock", "text": "A rock with a lighthouse."}))
    (tmp_path / "facts.ttl").write_text('<http://x/rock> <http://x/height> "107" .')
    with sqlite3.connect(tmp_path / "places.sqlite") as file:
        file.execute("CREATE TABLE place (name TEXT)")
    task = {
        "name": "rocks",
        "description": "Answer.",
        "model": "openai:m",
        "tools": [name for name in INPUTS if name != "team"],
        "toolbox": {"KnowledgeGraph": {"file": "facts.ttl"}, "Database": {"file": "places.sqlite"}},
        "corpus": "corpus.jsonl",
        "examples": [{"question": "q", "answer": "a"}],
    }
    offered = offered_tools(check_task(task, tmp_path / "task.yaml")).tools
    planner = group_planning(ScriptedChatModel(replies=reply), (), "Answer.").compile()
    return {each.name: each for each in (*offered, as_tool(planner, "team", "answers questions about rocks."))}


def reply(messages: list[BaseMessage]) -> str:
    """Finish at once, and be told that it is right."""
    said = {"Input for Finish:": "Bass Rock", "Is this answer right?": "Thought: v\nVerdict: right"}
    return said.get(str(messages[-1].text), "Thought: t\nAction: Finish")


class Each:
    """What the suite asks about a tool, once for each."""

    made: BaseTool
    given: dict[str, Any]

    @pytest.fixture(autouse=True, params=INPUTS)
    def _made(self, request: pytest.FixtureRequest, tools: dict[str, BaseTool]) -> None:
        self.made, self.given = tools[request.param], INPUTS[request.param]

    @property
    def tool_constructor(self) -> BaseTool:
        return self.made

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return self.given


class TestUnit(Each, ToolsUnitTests):
    """The unit tests."""


class TestIntegration(Each, ToolsIntegrationTests):
    """The integration tests."""
