"""A description becomes a PNG in the task's folder. A loopback server replays documented answers."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import ToolException
from pydantic import ValidationError

from autoact.core.errors import TaskError
from autoact.tools.failures import ToolFailure
from autoact.tools.text2image import Settings, live, missing, text2image_tool

PNG = b"\x89PNG\r\n\x1a\n and so on"


def drawn(png: bytes) -> dict[str, Any]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(png).decode()}]}


@pytest.fixture
def draw(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`draw(answer)`: the tool with an endpoint that gives that answer, and its server."""
    monkeypatch.setenv("PAINTER_KEY", "hunter2")

    def start(answer: Any, **changes: Any) -> tuple[Any, Any]:
        server = serve(lambda _: answer)
        url = f"{server.url}/v1/images/generations"
        settings = Settings(**{"url": url, "model": "painter", "key_variable": "PAINTER_KEY", **changes})
        tool = text2image_tool(settings, tmp_path)
        return (lambda text: tool.invoke({"description": text})), server

    return start


def test_the_image_is_written_under_the_hash_of_its_content(draw: Any, say: Any, tmp_path: Path) -> None:
    ask, _ = draw(say(drawn(PNG)))
    name = f"images/{hashlib.sha256(PNG).hexdigest()[:16]}.png"
    assert ask("a map of Peru") == ask("the same") == f"The image is in {name}."
    assert (tmp_path / name).read_bytes() == PNG
    assert len(list((tmp_path / "images").iterdir())) == 1


def test_the_endpoint_is_asked_as_documented(draw: Any, say: Any) -> None:
    ask, server = draw(say(drawn(PNG)))
    ask("a map")
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1/images/generations")
    assert asked.headers["authorization"] == "Bearer hunter2"
    fields = {"model": "painter", "prompt": "a map", "n": 1, "size": "1024x1024", "response_format": "b64_json"}
    assert json.loads(asked.body) == fields


def test_a_server_of_ones_own_may_need_neither_key_nor_format(draw: Any, say: Any) -> None:
    ask, server = draw(say(drawn(PNG)), key_variable="", response_format="")
    ask("a map")
    assert "authorization" not in server.asked[0].headers
    assert "response_format" not in json.loads(server.asked[0].body)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"error": {"message": "Incorrect API key provided: hunter2"}}, 401, "does not let us in; see to PAINTER_KEY"),
        ({"error": {"message": "billing"}}, 402, "quota"),
        ({"error": {"message": "slow down"}}, 429, "quota or rate limit is spent"),
        (b"<html>", 500, "answered 500: <html>"),
        (b"[" * 100_000, 200, "without an image"),
        ({"data": []}, 200, "without an image in b64_json"),
        ({"data": [{"url": "http://127.0.0.1/x.png"}]}, 200, "without an image in b64_json"),
        ({"data": [{"b64_json": "%%%"}]}, 200, "without an image in b64_json"),
        (drawn(b"<html>"), 200, "no PNG"),
        ([1], 200, "without an image"),
    ],
)
def test_an_endpoint_that_does_not_draw_is_a_failure(
    draw: Any, say: Any, tmp_path: Path, body: Any, status: int, reason: str
) -> None:
    ask, _ = draw(say(body, status))
    with pytest.raises(ToolFailure, match=reason) as caught:
        ask("a map")
    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / "images").exists()


def test_a_description_that_is_refused_is_the_planners_to_change(draw: Any, say: Any) -> None:
    ask, server = draw(say({"error": {"code": "content_policy_violation", "message": "Not that."}}, 400))
    with pytest.raises(ToolException, match=r"does not draw this: .*Not that\.") as caught:
        ask("a map")
    assert type(caught.value) is ToolException
    assert len(server.asked) == 1


def test_a_large_image_is_taken(draw: Any, say: Any) -> None:
    ask, _ = draw(say(drawn(PNG + bytes(8_000_000))))
    assert ask("a map").startswith("The image is in images/")


def test_a_folder_that_cannot_be_written_is_a_failure(draw: Any, say: Any, tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where the folder is to be")
    ask, _ = draw(say(drawn(PNG)))
    with pytest.raises(ToolFailure, match="The image cannot be written to images/"):
        ask("a map")


@pytest.mark.parametrize("text", ["", " ", "x" * 4001])
def test_a_description_has_a_length(draw: Any, say: Any, text: str) -> None:
    ask, server = draw(say(drawn(PNG)))
    with pytest.raises(ToolException, match="1 to 4,000 characters"):
        ask(text)
    assert server.asked == []


def test_a_key_is_taken_out_whole_wherever_the_answer_is_cut(
    draw: Any, say: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, _ = draw(say(b"x" * 297 + b"hunter2", 401))
    monkeypatch.setenv("PAINTER_KEY", "hunter2\n")
    with pytest.raises(ToolFailure) as caught:
        ask("a map")
    assert "hun" not in str(caught.value)


def test_an_address_that_can_never_be_asked_is_refused() -> None:
    with pytest.raises(ValidationError, match="must be an http or https address"):
        Settings(url="localhost:8080/v1", model="m")


def test_without_an_endpoint_it_is_not_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert missing(Settings()).startswith("toolbox.Text2Image.url: an OpenAI-compatible images endpoint")
    assert missing(Settings(url="http://h", model="m")) == "OPENAI_API_KEY in the environment"
    assert missing(Settings(url="http://h", model="m", key_variable="")) == ""
    assert live(Settings(url="http://h", model="m")) == "m http://h 1024x1024"
    with pytest.raises(TaskError, match="needs a url: and a model:"):
        text2image_tool(Settings(), tmp_path)
    with pytest.raises(TaskError, match="inside the task's folder"):
        text2image_tool(Settings(url="http://h", model="m", images=".."), tmp_path)
