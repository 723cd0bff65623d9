"""A chat model from one line of a task file, and how to sample from it.

    load_model("transformers:runs/seed")                             # in this process
    load_model("openai:plan", endpoint="http://127.0.0.1:8000/v1")   # any OpenAI-compatible server
    load_model("vllm:plan", endpoint="http://127.0.0.1:8000/v1")     # vLLM, which can hold a turn to its form
    load_model("ollama:qwen3", endpoint="http://gpu:11434")          # Ollama, on another machine
    load_model("anthropic:claude-sonnet-4-5")                        # whatever init_chat_model knows
    sampled(model, temperature=0.8, seed=7, max_tokens=256, regex="right|wrong")

Secrets come from the environment (OPENAI_API_KEY), never from a task file.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

from httpx2 import InvalidURL
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from pydantic import SecretStr

from autoact.core.errors import ModelError
from autoact.core.text import line_of
from autoact.models.local import LocalChatModel
from autoact.models.providers import by_langchain, plain
from autoact.models.scripted import ScriptedChatModel
from autoact.models.served import EndpointChatModel, VllmChatModel, held_to

LENGTH_FIELDS = ("max_tokens", "num_predict", "max_output_tokens")


def load_model(spec: str, endpoint: str = "") -> BaseChatModel:
    """The chat model `provider:name` names. Raises ModelError with one line on what to do."""
    provider, colon, name = spec.partition(":")
    if not (provider and colon and name):
        raise ModelError(f"{spec!r} is not a model: write provider:name, such as transformers:runs/seed")
    if provider == "transformers":
        if endpoint:
            raise ModelError(f"{spec} runs in this process and takes no endpoint: write openai:NAME to use one")
        return _in_process(name)
    if provider == "vllm" and not endpoint:
        raise ModelError(f"{spec} needs the address of its server: set the endpoint to http://HOST:PORT/v1")
    if provider in ("openai", "vllm") and endpoint:
        return _at_endpoint(provider, name, endpoint)
    return by_langchain(spec, endpoint)


def sampled(
    model: BaseChatModel,
    *,
    temperature: float | None,
    seed: int | None,
    max_tokens: int,
    regex: str = "",
    episode: str = "",
) -> Runnable[LanguageModelInput, AIMessage]:
    """`model` with these settings; None, and what a provider has no setting for, is left out. `model` is unchanged.

    Where the backend can, a completion is held to `regex`; elsewhere its reader is the judge. Of several servers of
    one model, those of one `episode` go to the same.
    """
    model = model.of(episode) if isinstance(model, VllmChatModel) else model
    # OpenAI's Responses interface, which its models may choose by themselves, has no seed.
    seeded = getattr(model, "use_responses_api", False) is False
    settings: dict[str, Any] = {"temperature": temperature, "seed": seed if seeded else None, "max_tokens": max_tokens}
    settings = {name: value for name, value in settings.items() if value is not None}
    if _takes_settings(model):
        return model.bind(**settings, **_constraint(model, regex))
    fields = _fields(model, settings)
    # A copy would lose what a model keeps between its calls.
    unchanged = all(getattr(model, name) == value for name, value in fields.items())
    return plain(model if unchanged else model.model_copy(update=fields))


def profile_of(model: BaseChatModel) -> dict[str, Any] | None:
    """What the engine of a model in this process has computed, as models/profile.py has it; None of one elsewhere."""
    return model.engine.profile() if isinstance(model, LocalChatModel) else None


def close_model(model: BaseChatModel) -> None:
    """Give back what a model holds in this process; a model elsewhere is left alone."""
    if isinstance(model, LocalChatModel) and model.engine.alive:
        model.engine.close()
        gc.collect()  # modules and their hooks hold one another, and another model may need the room at once


def _in_process(path: str) -> BaseChatModel:
    from importlib.util import find_spec

    missing = [name for name in ("torch", "transformers", "peft", "llguidance") if find_spec(name) is None]
    if missing:
        raise ModelError(f"transformers:{path} needs {missing[0]}: pip install 'langgraph-autoact[local]'")
    from autoact.models.engine import Engine

    return LocalChatModel(engine=Engine(path), model_name=Path(path).name)


def _at_endpoint(provider: str, name: str, endpoint: str) -> BaseChatModel:
    addresses = [address.strip() for address in endpoint.split(",")]
    if provider != "vllm" and len(addresses) > 1:
        raise ModelError(f"{provider}:{name} takes one endpoint; write vllm:{name} for several servers of one model")
    for address in addresses:
        if not address.startswith(("http://", "https://")):
            raise ModelError(f"the endpoint {address!r} is no address: write http://HOST:PORT/v1")
    kind = VllmChatModel if provider == "vllm" else EndpointChatModel
    written = os.environ.get("OPENAI_API_KEY", "").strip() or "none"
    if not (written.isascii() and written.isprintable()):
        raise ModelError("OPENAI_API_KEY holds what no key has; set it to the server's key, or unset it")
    key = SecretStr(written)
    try:
        first, *others = (kind(model_name=name, base_url=address, api_key=key) for address in addresses)
    except InvalidURL as problem:
        reason = line_of(problem)
        raise ModelError(f"the endpoint {endpoint!r} cannot be used ({reason}): write http://HOST:PORT/v1") from problem
    return first.model_copy(update={"replicas": others}) if others else first


def _takes_settings(model: BaseChatModel) -> bool:
    """Whether sampling is set call by call; OpenAI's own class is slow to import, and not loaded for others."""
    openai = sys.modules.get("langchain_openai")
    kinds = (LocalChatModel, ScriptedChatModel, EndpointChatModel, *((openai.ChatOpenAI,) if openai else ()))
    return isinstance(model, kinds)


def _constraint(model: BaseChatModel, regex: str) -> dict[str, Any]:
    """How a call of `model` is held to `regex`; nothing where it cannot be."""
    if not regex or isinstance(model, ScriptedChatModel):
        return {}
    if isinstance(model, LocalChatModel):
        return {"regex": regex}
    if not isinstance(model, VllmChatModel):
        return {}
    return {"extra_body": {**model.extra_body, **held_to(regex)}}


def _fields(model: BaseChatModel, settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of `model` that these settings go by."""
    known = type(model).model_fields
    length = next((name for name in LENGTH_FIELDS if name in known), "max_tokens")
    named = {length if name == "max_tokens" else name: value for name, value in settings.items()}
    return {name: value for name, value in named.items() if name in known}
