"""An image in words: given with the question, or asked of a model on a loopback server."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.core.errors import TaskError
from autoact.tools.failures import ToolFailure
from autoact.tools.image2text import Settings, image2text_tool, live, missing
from autoact.tools.library import input_fields

PNG = b"\x89PNG\r\n\x1a\n and so on"
SCIENCE = "[([[52, 8], [221, 8]], 'North Pole', 0.99), ([[1, 2]], \"it's\", 0.5)]"


def asked(tool: BaseTool, image: str = "image", /, **state: str) -> str:
    return str(tool.invoke({"image": image, "state": state}))


@pytest.fixture
def given(tmp_path: Path) -> BaseTool:
    return image2text_tool(Settings(), tmp_path)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ({"caption": "A map\nof Peru."}, "Caption: A map of Peru."),
        ({"ocr": "Lima  Cusco"}, "Text in the image: Lima Cusco"),
        ({"caption": "A map.", "ocr": SCIENCE}, "Caption: A map.\nText in the image: North Pole; it's"),
        ({"caption": "A map.", "ocr": "[]"}, "Caption: A map."),
        ({"ocr": "[not a list"}, "Text in the image: [not a list"),
        ({"ocr": "[1, 2]"}, "Text in the image: [1, 2]"),
        ({"ocr": "[" * 5000}, "Text in the image: " + "[" * 3581),
    ],
)
def test_what_came_with_the_question_is_shown(given: BaseTool, state: dict[str, str], shown: str) -> None:
    assert asked(given, **state) == shown


def test_a_question_without_an_image_says_so(given: BaseTool) -> None:
    with pytest.raises(ToolException, match=r"^The question comes with no caption of an image\."):
        asked(given)


def test_a_model_fills_in_one_text(given: BaseTool) -> None:
    assert input_fields(given) == {"image": "string"}


def test_images_lie_inside_the_tasks_folder(tmp_path: Path) -> None:
    for folder in ("..", "/etc", "a/../../b"):
        with pytest.raises(TaskError, match="must be a folder inside the task's folder"):
            image2text_tool(Settings(images=folder), tmp_path)


@pytest.mark.parametrize("model", ["", "gpt-4o"])
def test_a_model_has_a_provider(tmp_path: Path, model: str) -> None:
    with pytest.raises(TaskError, match="must be a chat model that sees, as provider:name"):
        image2text_tool(Settings(backend="model", model=model), tmp_path)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    seeing = Settings(backend="model", model="openai:gpt-4o-mini")
    assert missing(Settings()) == ""
    assert missing(Settings(backend="model")).startswith("toolbox.Image2Text.model: a chat model")
    assert missing(seeing) == "OPENAI_API_KEY in the environment"
    assert missing(seeing.model_copy(update={"endpoint": "http://127.0.0.1:8000/v1"})) == ""


@pytest.mark.parametrize(
    ("model", "told"), [("nope:x", "Unable to infer model provider"), ("groq:x", "requires the langchain-groq package")]
)
def test_a_provider_that_is_not_there_is_named(model: str, told: str) -> None:
    assert told in missing(Settings(backend="model", model=model))


def test_only_a_model_is_live() -> None:
    assert live(Settings()) == live(Settings(backend="ocr")) == ""
    assert live(Settings(backend="model", model="openai:a", endpoint="http://h/v1")) == "openai:a http://h/v1"


# ── a model that sees, on a loopback server ──


def completion(text: str) -> dict[str, Any]:
    """An answer of an OpenAI-compatible server."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "eye", "choices": [choice], "usage": usage}


@pytest.fixture
def seeing(serve: Any, tmp_path: Path) -> Any:
    """`seeing(answer)`: the tool with a model that gives that answer, and its server; two images lie in the folder."""
    (tmp_path / "map.png").write_bytes(PNG)
    (tmp_path / "flag.png").write_bytes(PNG + b"!")

    def start(answer: Any) -> tuple[BaseTool, Any]:
        server = serve(lambda _: answer)
        settings = Settings(backend="model", model="openai:eye", endpoint=f"{server.url}/v1", timeout=5)
        return image2text_tool(settings, tmp_path), server

    return start


def sent(server: Any) -> tuple[str, bytes]:
    """The text and the image of the last request."""
    text, image = json.loads(server.asked[-1].body)["messages"][0]["content"]
    return text["text"], base64.b64decode(image["image_url"]["url"].removeprefix("data:image/png;base64,"))


def test_a_model_is_shown_the_questions_image_and_asked(seeing: Any, say: Any) -> None:
    tool, server = seeing(say(completion(" A map of Peru. ")))
    assert asked(tool, "Which country is it?", image="map.png", caption="not shown") == "A map of Peru."
    assert sent(server) == ("Describe the image. Write down all text in it.\nWhich country is it?", PNG)


def test_a_file_may_be_named_instead(seeing: Any, say: Any) -> None:
    tool, server = seeing(say(completion("A flag.")))
    assert asked(tool, "flag.png", image="map.png") == "A flag."
    assert sent(server) == ("Describe the image. Write down all text in it.", PNG + b"!")


@pytest.mark.parametrize("name", ["../flag.png", "/etc/passwd", "absent.png", "..\\flag.png"])
def test_a_name_of_another_file_is_refused_and_nothing_is_sent(seeing: Any, say: Any, name: str) -> None:
    tool, server = seeing(say(completion("x")))
    for image, own in ((name, "map.png"), ("image", name)):
        with pytest.raises(ToolException, match="is no image of this task"):
            asked(tool, image, image=own)
    assert server.asked == []


def test_without_an_image_file_the_caption_is_shown(seeing: Any, say: Any) -> None:
    tool, server = seeing(say(completion("x")))
    assert asked(tool, caption="A map.") == "Caption: A map."
    assert server.asked == []


@pytest.mark.parametrize("status", [401, 400, 404])
def test_a_model_that_refuses_is_a_failure(seeing: Any, say: Any, status: int) -> None:
    tool, _ = seeing(say({"error": {"message": "no\nimages here", "type": "x", "code": "y"}}, status))
    with pytest.raises(ToolFailure, match=r"^openai:eye does not answer \(\w+Error\): .*no.*images here") as caught:
        asked(tool, image="map.png")
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "map.png").write_bytes(PNG)
    settings = Settings(backend="model", model="nobody:eye")
    with pytest.raises(ToolFailure, match="nobody:eye does not answer"):
        asked(image2text_tool(settings, tmp_path), image="map.png")


def test_a_long_answer_is_cut(seeing: Any, say: Any) -> None:
    tool, _ = seeing(say(completion("x" * 100_000)))
    assert len(asked(tool, image="map.png")) == 3600
