"""The MCP server as a real client sees it: over HTTP here, over stdio in tests/cli/test_serve.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ListToolsResult, TextContent

Serving = Callable[..., httpx.Client]
KEY = "correct-horse-battery-staple"


def ask(
    client: httpx.Client, *asked: dict[str, Any], tool: str = "ask"
) -> tuple[ListToolsResult, list[CallToolResult]]:
    """The tools, and what calls of `ask` that are made at once give."""

    async def session() -> tuple[ListToolsResult, list[CallToolResult]]:
        async with (
            httpx.AsyncClient(headers=client.headers, timeout=30) as http,
            streamable_http_client(str(client.base_url.join("/mcp")), http_client=http) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = await session.list_tools()
            return tools, await asyncio.gather(*(session.call_tool(tool, arguments) for arguments in asked))

    return asyncio.run(session())


def text_of(result: CallToolResult) -> str:
    """What a result says."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_the_team_is_one_tool_with_its_task_in_words(client: httpx.Client) -> None:
    (tool,) = ask(client)[0].tools
    assert (tool.name, "Add numbers." in str(tool.description)) == ("ask", True)
    assert set(tool.inputSchema["properties"]) == {"question", "choices", "context"}
    assert all(field["description"] for field in tool.inputSchema["properties"].values())


def test_questions_are_answered_in_structure_and_in_words(client: httpx.Client) -> None:
    answers = ask(client, *({"question": f"What is {n} + 1?"} for n in range(8)))[1]
    assert [text_of(answer) for answer in answers] == [str(n + 1) for n in range(8)]
    assert answers[4].structuredContent == {"answer": "5", "status": "answered", "steps": 3}
    assert not answers[4].isError


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "question: Field required"),
        ({"question": "What is 1 + 1?", "image": "/etc/passwd"}, "image: Extra inputs are not permitted"),
        ({"question": "What is 1 + 1?", "settings": {"max_steps": 1}}, "settings: Extra inputs are not permitted"),
        ({"question": "Are you down?"}, "plan-1a2b: RuntimeError: no model is there"),
    ],
)
def test_a_call_that_fails_says_why_and_is_no_answer(
    client: httpx.Client, arguments: dict[str, Any], told: str
) -> None:
    (result,) = ask(client, arguments)[1]
    assert (result.isError, result.structuredContent, text_of(result)) == (True, None, told)


def test_there_is_no_other_tool(client: httpx.Client) -> None:
    (result,) = ask(client, {}, tool="shell")[1]
    assert (result.isError, text_of(result)) == (True, "there is no tool 'shell'; the only one is ask")


def test_the_key_opens_it_and_the_limit_of_questions_holds_here_too(serving: Serving, door: Any) -> None:
    client = serving(key=KEY, max_in_flight=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/ask", json={"question": "Wait, 1 + 1?"})
        assert door.reached.wait(10)
        (refused,) = ask(client, {"question": "What is 1 + 1?"})[1]
        door.opened.set()
        assert first.result(10).status_code == 200
    assert (refused.isError, "ask again" in text_of(refused)) == (True, True)
    assert text_of(ask(client, {"question": "What is 1 + 1?"})[1][0]) == "2"
