"""A chat model on an OpenAI-compatible server of open models; several servers of vLLM may hold the same one.

    model = VllmChatModel(model_name="plan", base_url="http://127.0.0.1:8000/v1")
    model.bind(temperature=0.8, seed=7, max_tokens=64, extra_body=held_to("right|wrong")).invoke(…)
    model.of("What is the currency of Peru?").invoke(…)          # always the same replica for one episode

A call is one request, over connections that all models at its address share; to ask again is for the graph's policy.
ChatOpenAI can do more – tools, images, audio – and takes four times the CPU (docs/performance.md). No text in a
message can pass for a mark of the chat template. Of vLLM's own fields only `structured_outputs` is used: it answers
200 to the older `guided_*` ones and ignores them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from functools import cache
from typing import Any

from httpx2 import URL, InvalidURL, Request, Response, Timeout
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field, SecretStr
from typing_extensions import override

from autoact.models import reply
from autoact.models.chat_format import as_chat, without_marks
from autoact.models.completions import Said, refusal, whole
from autoact.models.pool import Connections, connections


class EndpointChatModel(BaseChatModel):
    """Sampling fields are defaults; they, stop, timeout and extra_body may be given per call.

    `timeout` is in seconds, for a connection and for each piece of a reply. `stream_usage` has a stream tell what it
    cost, by a field that not every server knows. Raises ServerError, ServerBusy, and httpx2's own errors.
    """

    model_name: str
    base_url: str
    api_key: SecretStr = SecretStr("none")
    temperature: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    timeout: float = 120.0
    stream_usage: bool = False
    extra_body: Mapping[str, Any] = Field(default_factory=dict)

    @override
    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        _url(self.base_url)  # an address that is none is told now, and a proxy
        connections(self.base_url)

    @property
    def _llm_type(self) -> str:
        return "autoact-endpoint"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "base_url": self.base_url, "temperature": self.temperature}

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(self._server.now.send(self._request(messages, stop, kwargs)))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(await self._server.later.send(self._request(messages, stop, kwargs)))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        request, said = self._request(messages, stop, kwargs, stream=True), Said(self.model_name)
        with closing(self._server.now.send(request, stream=True)) as response:
            if response.is_error:
                raise refusal(response.status_code, response.read())
            pieces = (piece for data in response.iter_bytes() for piece in said.hear(data))
            yield from reply.chunks(pieces, said.message, run_manager)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request, said = self._request(messages, stop, kwargs, stream=True), Said(self.model_name)

        async def message() -> AIMessage:
            return said.message()

        async with aclosing(await self._server.later.send(request, stream=True)) as response:
            if response.is_error:
                raise refusal(response.status_code, await response.aread())
            pieces = (piece async for data in response.aiter_bytes() for piece in said.hear(data))
            async for chunk in reply.achunks(pieces, message, run_manager):
                yield chunk

    @property
    def _server(self) -> Connections:
        return connections(self.base_url)

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, settings: dict[str, Any], *, stream: bool = False
    ) -> Request:
        given = {name: settings.get(name, getattr(self, name)) for name in ("temperature", "seed", "max_tokens")}
        body = {
            "model": self.model_name,
            "messages": [{**turn, "content": without_marks(turn["content"])} for turn in as_chat(messages)],
            "temperature": given["temperature"],
            "seed": given["seed"],
            "max_completion_tokens": given["max_tokens"],
            "stop": stop or None,
            "stream": stream or None,
            "stream_options": {"include_usage": True} if stream and self.stream_usage else None,
        }
        asked = {name: value for name, value in body.items() if value is not None}
        asked |= settings.get("extra_body", self.extra_body)
        # Waiting for one's turn among our own calls is no failure of the server.
        patience = Timeout(settings.get("timeout", self.timeout), pool=None)
        key = {"Authorization": f"Bearer {self.api_key.get_secret_value()}", "Content-Type": "application/json"}
        return Request(
            "POST",
            _url(self.base_url),
            headers=key,
            content=json.dumps(asked).encode(),
            extensions={"timeout": patience.as_dict()},
        )

    def _result(self, response: Response) -> ChatResult:
        if response.is_error:
            raise refusal(response.status_code, response.content)
        return reply.result(whole(response.content, self.model_name))


class VllmChatModel(EndpointChatModel):
    """One that takes vLLM's own fields. `replicas` are the same model on other servers."""

    stream_usage: bool = True
    replicas: Sequence[VllmChatModel] = Field((), exclude=True, repr=False)

    @property
    def _llm_type(self) -> str:
        return "autoact-vllm"

    def of(self, episode: str) -> VllmChatModel:
        """The replica for an episode: each keeps what it computed of a conversation for its next turn."""
        return (self, *self.replicas)[zlib.crc32(episode.encode("utf-8", "replace")) % (1 + len(self.replicas))]


def held_to(regex: str) -> dict[str, Any]:
    """The fields of a request whose completion must match the whole of `regex`."""
    return {"structured_outputs": {"regex": regex}}


@cache
def _url(base: str) -> URL:
    """Where a server takes chat requests. Raises httpx2's InvalidURL."""
    try:
        url = URL(f"{base.rstrip('/')}/chat/completions")
        host = url.host.encode("idna")
    except UnicodeError as problem:
        raise InvalidURL(f"its host is none: {problem}") from None
    if not host or (url.port is not None and not 0 < url.port < 1 << 16):
        raise InvalidURL("it has no host, or a port that is none")
    return url
