"""Text2Image: a description → a PNG in the task's folder, drawn by an OpenAI-compatible images endpoint.

toolbox:
  Text2Image: {url: "https://api.openai.com/v1/images/generations", model: gpt-image-1, response_format: ""}
  # or {url: "http://127.0.0.1:8080/v1/images/generations", model: sdxl, key_variable: ""}

Without an endpoint the tool is not available. Drawing in this process (diffusers) is not implemented. No service was
asked in our tests: a loopback server replays what the documentation says it answers.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from langchain_core.tools import BaseTool, ToolException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from autoact.core.errors import TaskError
from autoact.tools.addresses import backend_url
from autoact.tools.failures import ToolFailure
from autoact.tools.memory import Output, library_tool
from autoact.tools.network import fetch
from autoact.tools.service import KEY, QUOTA, Service, key_of, unset, what_it_said

DEFINITION = "draws an image of a description and says where it is."
USAGE = "a description of the image alone."
LONGEST = 4000
MAX_BYTES = 40_000_000
INPUT = (400, 413, 422)  # what was asked is refused: a content policy, a length
PNG = b"\x89PNG\r\n\x1a\n"


class Settings(BaseModel):
    """What `toolbox: {Text2Image: …}` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(backend_url)] = Field(
        "", description="The images endpoint, such as https://api.openai.com/v1/images/generations."
    )
    model: str = Field("", description="The model that draws.")
    key_variable: str = Field("OPENAI_API_KEY", description="Environment variable of the key; empty for none.")
    size: str = Field("1024x1024", pattern=r"^\d+x\d+$", description="Width and height in pixels.")
    response_format: str = Field("b64_json", description="Sent as such; empty for models that refuse the field.")
    images: str = Field("images", description="Folder into which images are written, inside the task's folder.")
    timeout: float = Field(120.0, gt=0, le=600, description="Seconds a drawing may take.")


def needs(_settings: Settings) -> str:
    """Who draws."""
    return "an OpenAI-compatible images endpoint"


def missing(settings: Settings) -> str:
    """What drawing lacks to be done here; empty when nothing."""
    for field in ("url", "model"):
        if not getattr(settings, field):
            return f"toolbox.Text2Image.{field}: an OpenAI-compatible images endpoint and its model"
    return unset(settings.key_variable) if settings.key_variable else ""


def live(settings: Settings) -> str:
    """The model and its address."""
    return f"{settings.model} {settings.url} {settings.size}".strip()


def text2image_tool(settings: Settings, folder: Path) -> BaseTool:
    """Drawings of an endpoint, each in a file that is named after its content."""
    if not (settings.url and settings.model):
        raise TaskError("toolbox.Text2Image: needs a url: and a model: of an OpenAI-compatible images endpoint")
    images = folder / settings.images
    if not images.resolve().is_relative_to(folder.resolve()):
        raise TaskError("toolbox.Text2Image.images: must be a folder inside the task's folder")

    def run(description: str) -> Output:
        if not description.strip() or len(description) > LONGEST:
            raise ToolException(f"A description has 1 to {LONGEST:,} characters.")
        png = _drawn(settings, description.encode("utf-8", "replace").decode())
        file = images / f"{hashlib.sha256(png).hexdigest()[:16]}.png"
        name = str(file.relative_to(folder))
        try:
            images.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png)
        except OSError as problem:
            raise ToolFailure(f"The image cannot be written to {name}: {problem.strerror}.") from None
        return Output(f"The image is in {name}.", raw={"file": name, "bytes": len(png)})

    return library_tool("Text2Image", DEFINITION, USAGE, run, slow=True)


def _drawn(settings: Settings, description: str) -> bytes:
    """The PNG. A drawing costs money, so that one that failed is not asked for again."""
    asked: dict[str, Any] = {"model": settings.model, "prompt": description, "n": 1, "size": settings.size}
    if settings.response_format:
        asked["response_format"] = settings.response_format
    key = key_of(Service("the images endpoint", settings.url, settings.key_variable)) if settings.key_variable else ""
    headers = {"Authorization": f"Bearer {key}"} if key else None
    reply = fetch(
        settings.url, trusted=settings.url, headers=headers, json=asked, seconds=settings.timeout, limit=MAX_BYTES
    )
    if reply.status != 200:
        said = what_it_said(reply, settings.key_variable, 300)
        if reply.status in INPUT:
            raise ToolException(f"The images endpoint does not draw this: {said}")
        raise ToolFailure(f"The images endpoint answered {reply.status}{_advice(settings, reply.status)}: {said}")
    try:
        png = base64.b64decode(json.loads(reply.body)["data"][0]["b64_json"], validate=True)
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise ToolFailure("The images endpoint answered without an image in b64_json.") from None
    if not png.startswith(PNG):
        raise ToolFailure("The images endpoint answered with something that is no PNG.")
    return png


def _advice(settings: Settings, status: int) -> str:
    if status in KEY:
        return f", it does not let us in; see to {settings.key_variable or 'its address'}"
    return ", its quota or rate limit is spent; wait or raise the plan" if status in QUOTA else ""
