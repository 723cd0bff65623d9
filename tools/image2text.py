"""Image2Text: the question's image in words – the caption and text given with it, or read from it, or asked of a model.

toolbox:
  Image2Text: {}                                                    # what came with the question
  # or {backend: ocr, images: images}                               # the text in an image file
  # or {backend: model, model: "openai:gpt-4o-mini", images: images}
"""

from __future__ import annotations

import ast
import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from langchain_core.tools import BaseTool, ToolException
from langgraph.prebuilt import InjectedState
from pydantic import BaseModel, ConfigDict, Field

from autoact.core.errors import TaskError
from autoact.core.text import line_of
from autoact.tools.failures import ToolFailure
from autoact.tools.image_file import ImageFile, is_image, read_image
from autoact.tools.memory import Output, library_tool
from autoact.tools.ocr import Reader, lacks
from autoact.tools.service import unset

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

DEFINITION = "says in words what an image shows."
USAGE = "the word image, for the image of the question."
USAGES = {
    "given": USAGE,
    "ocr": "the name of an image file, or the word image, for the image of the question.",
    "model": "what to find out about the image of the question.",
}
NEEDS = {
    "given": "a question with a caption",
    "ocr": "image files and rapidocr",
    "model": "image files and a vision model",
}
LONGEST_OCR = 20_000
LONGEST_TEXT = 3600
KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}

Words = Callable[[ImageFile, str], str]


class Settings(BaseModel):
    """What `toolbox: {Image2Text: …}` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["given", "ocr", "model"] = Field("given", description="Where the words come from.")
    images: str = Field(".", description="Folder of the image files; no file outside it is read.")
    model: str = Field("", description="A chat model that sees, as provider:name.")
    endpoint: str = Field("", description="Base URL of an OpenAI-compatible server for `openai:` models.")
    prompt: str = Field("Describe the image. Write down all text in it.", description="What the model is asked.")
    timeout: float = Field(60.0, gt=0, le=600, description="Seconds the model may take.")


def needs(settings: Settings) -> str:
    """What the configured backend is and reads."""
    return NEEDS[settings.backend]


def missing(settings: Settings) -> str:
    """What the backend lacks to be used here; empty when nothing."""
    if settings.backend == "ocr":
        return lacks()
    if settings.backend == "model":
        if not settings.model:
            return "toolbox.Image2Text.model: a chat model that sees, as provider:name"
        key = KEYS.get(settings.model.partition(":")[0], "")
        if key and not settings.endpoint and (lack := unset(key)):
            return lack
        return _model_lacks(settings) if ":" in settings.model else ""
    return ""


def _model_lacks(settings: Settings) -> str:
    """What LangChain says of a provider that it does not know or whose package is not there."""
    try:
        _model(settings)
    except Exception as problem:  # every provider's client has errors of its own
        return f"a model that can be used ({line_of(str(problem).partition('Supported providers')[0] or problem, 200)})"
    return ""


def live(settings: Settings) -> str:
    """The model and its address; empty for what is done here."""
    return f"{settings.model} {settings.endpoint}".strip() if settings.backend == "model" else ""


def image2text_tool(settings: Settings, folder: Path) -> BaseTool:
    """The question's image in words. What came with the question is in the state, as Lookup's page is."""
    images = folder / settings.images
    if not images.resolve().is_relative_to(folder.resolve()):
        raise TaskError("toolbox.Image2Text.images: must be a folder inside the task's folder")
    if settings.backend == "model" and ":" not in settings.model:
        raise TaskError("toolbox.Image2Text.model: must be a chat model that sees, as provider:name")
    words = _words(settings)

    def run(image: str, state: Annotated[dict[str, Any], InjectedState]) -> Output:
        if words is None:
            return Output(given(state))
        file = _meant(images, image, state)
        if not file:
            return Output(given(state))
        question = "" if is_image(images, image) else image
        return Output(words(read_image(images, file), question)[:LONGEST_TEXT])

    return library_tool("Image2Text", DEFINITION, USAGES[settings.backend], run, slow=words is not None)


def content(settings: Settings, folder: Path, inputs: Mapping[str, Any]) -> str:
    """A hash of the image file that an input means; empty when it means none that can be read."""
    images = folder / settings.images
    try:
        image = read_image(images, _meant(images, inputs["image"], inputs["state"]))
    except ToolException:
        return ""
    return hashlib.sha256(image.data).hexdigest()


def given(state: Mapping[str, Any]) -> str:
    """The caption and the text that came with the question. Raises ToolException when neither did."""
    caption = " ".join(str(state.get("caption") or "").split())
    text = _ocr_words(str(state.get("ocr") or ""))
    lines = [f"Caption: {caption}"] if caption else []
    lines += [f"Text in the image: {text}"] if text else []
    if not lines:
        raise ToolException("The question comes with no caption of an image. Answer without one.")
    return "\n".join(lines)[:LONGEST_TEXT]


def _ocr_words(ocr: str) -> str:
    """The words of what an OCR engine said; a list of (box, text, confidence), as ScienceQA has it, loses its boxes."""
    try:
        entries = ast.literal_eval(ocr) if ocr.lstrip().startswith("[") and len(ocr) <= LONGEST_OCR else None
        words = [entry[1] for entry in entries or ()]
    except (ValueError, SyntaxError, TypeError, IndexError, KeyError, RecursionError, MemoryError):
        return " ".join(ocr.split())
    return "; ".join(map(str, words)) if entries is not None else " ".join(ocr.split())


def _meant(images: Path, image: str, state: Mapping[str, Any]) -> str:
    """The image file that is looked at: the one that the input names, or else the question's."""
    return image if is_image(images, image) or _is_path(image) else str(state.get("image") or "")


def _is_path(text: str) -> bool:
    """Whether a text is meant as a file, which then must be one of the task's."""
    return "/" in text or "\\" in text or text.strip().lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".webp"))


def _words(settings: Settings) -> Words | None:
    """How the words of an image file are found; None: no file is read."""
    if settings.backend == "ocr":
        reader = Reader()
        return lambda image, _: "\n".join(reader.lines(image)) or "There is no text in the image."
    if settings.backend == "model":
        return lambda image, asked: _ask_model(settings, image, asked)
    return None


def _ask_model(settings: Settings, image: ImageFile, asked: str) -> str:
    from langchain_core.messages import HumanMessage

    data = base64.b64encode(image.data).decode()
    prompt = {"type": "text", "text": f"{settings.prompt}\n{asked[:1000]}".strip()}
    message = HumanMessage([prompt, {"type": "image", "base64": data, "mime_type": image.kind}])
    try:
        return str(_model(settings).invoke([message]).text).strip() or "The model says nothing about the image."
    except Exception as problem:  # every provider's client has errors of its own, and none is the planner's
        line = " ".join(str(problem).split())[:300] or type(problem).__name__
        raise ToolFailure(f"{settings.model} does not answer ({type(problem).__name__}): {line}") from None


def _model(settings: Settings) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    model: BaseChatModel = init_chat_model(settings.model, timeout=settings.timeout, **_server(settings))
    return model


def _server(settings: Settings) -> dict[str, Any]:
    if not settings.endpoint:
        return {}
    key = os.environ.get("OPENAI_API_KEY") or "none"
    return {"base_url": settings.endpoint, "api_key": key, "use_responses_api": False}
