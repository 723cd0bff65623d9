"""A chat model from one line of a task file, and how to sample from it.

    load_model("transformers:runs/seed")                             # in this process
    load_model("openai:plan", endpoint="http://127.0.0.1:8000/v1")   # any OpenAI-compatible server
    load_model("vllm:plan", endpoint="http://127.0.0.1:8000/v1")     # vLLM, which can hold a turn to its form
    load_model("anthropic:claude-sonnet-4-5")                        # whatever init_chat_model knows
    sampled(model, temperature=0.8, seed=7, max_tokens=256, regex="right|wrong")

Secrets come from the environment (OPENAI_API_KEY), never from a task file.
"""

from __future__ import annotations

import os
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from autoact.core.errors import ModelError
from autoact.models.local import LocalChatModel
from autoact.models.scripted import ScriptedChatModel

TIMEOUT = 120
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
    if endpoint:
        raise ModelError(f"{spec} takes no endpoint: write openai:NAME for an OpenAI-compatible server")
    return _by_langchain(spec)


def sampled(
    model: BaseChatModel, *, temperature: float, seed: int | None, max_tokens: int, regex: str = ""
) -> Runnable[LanguageModelInput, AIMessage]:
    """`model` with these settings; what a provider has no setting for is left out. `model` is unchanged.

    Where the backend can, a completion must match the whole of `regex`; elsewhere its reader is the judge.
    """
    settings: dict[str, Any] = {"temperature": temperature, "seed": seed, "max_tokens": max_tokens}
    settings = {name: value for name, value in settings.items() if value is not None}
    if isinstance(model, LocalChatModel | ScriptedChatModel) or _is_openai(model):
        return model.bind(**settings, **_constraint(model, regex))
    return model.model_copy(update=_fields(model, settings))


def close_model(model: BaseChatModel) -> None:
    """Give back what a model holds in this process; a model elsewhere is left alone."""
    if isinstance(model, LocalChatModel):
        model.engine.close()


def _in_process(path: str) -> BaseChatModel:
    from importlib.util import find_spec

    missing = [name for name in ("torch", "transformers", "peft", "llguidance") if find_spec(name) is None]
    if missing:
        raise ModelError(f"transformers:{path} needs {missing[0]}: pip install 'langgraph-autoact[local]'")
    from autoact.models.engine import Engine

    engine = Engine(path)
    return LocalChatModel(engine=engine, model_name=engine.folder.name)


def _at_endpoint(provider: str, name: str, endpoint: str) -> BaseChatModel:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    from autoact.models.served import VllmChatModel

    if not endpoint.startswith(("http://", "https://")):
        raise ModelError(f"the endpoint {endpoint!r} is no address: write http://HOST:PORT/v1")
    try:
        return (VllmChatModel if provider == "vllm" else ChatOpenAI)(
            model=name,
            base_url=endpoint,
            api_key=SecretStr(os.environ.get("OPENAI_API_KEY") or "none"),
            max_retries=0,
            timeout=TIMEOUT,
            use_responses_api=False,
            # Not every server knows the field that asks a stream for its usage.
            stream_usage=provider == "vllm" or None,
        )
    except Exception as problem:  # the client's own errors for an address it cannot read
        raise ModelError(f"the endpoint {endpoint!r} cannot be used: {_line(problem)}") from problem


def _by_langchain(spec: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        model: BaseChatModel = init_chat_model(spec)
    except ImportError as problem:
        raise ModelError(f"{spec} needs a package that is missing: {_line(problem)}") from problem
    except Exception as problem:  # each provider's client has its own error for a missing key or a bad name
        raise ModelError(f"{spec} cannot be used: {_line(problem)}") from problem
    return model


def _is_openai(model: BaseChatModel) -> bool:
    from langchain_openai import ChatOpenAI

    return isinstance(model, ChatOpenAI)


def _constraint(model: BaseChatModel, regex: str) -> dict[str, Any]:
    """How a call of `model` is held to `regex`; nothing where it cannot be."""
    if not regex or isinstance(model, ScriptedChatModel):
        return {}
    if isinstance(model, LocalChatModel):
        return {"regex": regex}
    from autoact.models.served import VllmChatModel, held_to

    return {"extra_body": held_to(regex)} if isinstance(model, VllmChatModel) else {}


def _fields(model: BaseChatModel, settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of `model` that these settings go by."""
    known = type(model).model_fields
    length = next((name for name in LENGTH_FIELDS if name in known), "max_tokens")
    named = {length if name == "max_tokens" else name: value for name, value in settings.items()}
    return {name: value for name, value in named.items() if name in known}


def _line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:300] or type(problem).__name__
