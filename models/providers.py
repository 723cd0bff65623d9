"""A chat model of any provider that LangChain's init_chat_model knows, asked once and waited for a bounded time.

    by_langchain("ollama:qwen3", "http://gpu:11434")
    by_langchain("anthropic:claude-sonnet-4-5")           # ANTHROPIC_API_KEY, from the environment

To ask again is for the graph's policy and `patient` to do, so that no client does it by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableLambda

from autoact.core.errors import ModelError
from autoact.core.text import line_of
from autoact.models.chat_format import without_marks

# Providers whose client can be told an address.
ADDRESSED = ("anthropic", "ollama")
# In seconds; servers load a model first, or think before they speak.
PATIENCE = 600
UNKEPT = {"Connection": "close"}


def by_langchain(spec: str, endpoint: str) -> BaseChatModel:
    """The model, at its provider's own address or at `endpoint`. Raises ModelError."""
    from langchain.chat_models import init_chat_model

    provider = spec.partition(":")[0]
    if endpoint and provider not in ADDRESSED:
        raise ModelError(f"{spec} takes no endpoint: write openai:NAME for an OpenAI-compatible server")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise ModelError(f"the endpoint {endpoint!r} is no address: write http://HOST:PORT")
    settings = _settings(provider) | ({"base_url": endpoint} if endpoint else {})
    try:
        model: BaseChatModel = init_chat_model(spec, **settings)
    except ImportError as problem:
        raise ModelError(f"{spec} needs a package that is missing: {line_of(problem)}") from problem
    except Exception as problem:  # each provider's client has its own error for a missing key or a bad name
        if "model_provider" in str(problem):
            raise ModelError(f"{spec}: {provider} is no provider: write openai, anthropic, ollama …") from problem
        raise ModelError(f"{spec} cannot be used: {line_of(problem)}") from problem
    return model


def plain(model: BaseChatModel) -> Runnable[LanguageModelInput, AIMessage]:
    """A model of a server's whose own client we use, told messages without marks."""

    def clean(asked: LanguageModelInput) -> LanguageModelInput:
        if isinstance(asked, str) or not isinstance(asked, Sequence):
            return asked
        return [_without_marks(message) if isinstance(message, BaseMessage) else message for message in asked]

    async def aclean(asked: LanguageModelInput) -> LanguageModelInput:
        return clean(asked)

    return RunnableLambda(clean, aclean) | model


def _without_marks(message: BaseMessage) -> BaseMessage:
    if not isinstance(message.content, str) or (text := without_marks(message.content)) == message.content:
        return message
    return message.model_copy(update={"content": text})


def _settings(provider: str) -> dict[str, Any]:
    """What makes a provider's client ask once and wait no longer than is said.

    Clients that cannot be given our connections keep none open: they would be of an event loop that may be over.
    """
    if provider in ("openai", "azure_openai"):
        from autoact.models.pool import connections

        server = connections(provider)
        clients = {"http_client": server.now, "http_async_client": server.later}
        return {"max_retries": 0, "timeout": PATIENCE, **clients}
    if provider == "anthropic":
        return {"max_retries": 0, "timeout": PATIENCE, "default_headers": UNKEPT}
    if provider == "ollama":
        return {"client_kwargs": {"timeout": PATIENCE, "headers": dict(UNKEPT)}}
    return {}
