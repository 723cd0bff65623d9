"""A LangChain chat model answered by the in-process engine, as the base or as one of its adapters.

    model = LocalChatModel(engine=engine, adapter="plan", model_name="plan-3fa9c1d2e4b5")
    model.bind(temperature=0.8, seed=7, max_tokens=64).invoke([HumanMessage("Question: …")]).text
    for chunk in model.stream("Question: …"):
        print(chunk.text, end="")

A caller that goes away – an interrupt, a cancelled task, a loop left early – gives its row up.
Not covered: tool calling; agents take whole plain-text turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field
from typing_extensions import override

from autoact.models import reply
from autoact.models.chat_format import as_chat, text_ids, to_ids
from autoact.models.engine import Engine
from autoact.models.request import Completion, Request

# Characters that are tokenised in a millisecond or two.
SHORT = 4000


class LocalChatModel(BaseChatModel):
    """Sampling fields are defaults; temperature, seed, max_tokens, stop, regex and timeout may be given per call.

    `timeout` is in seconds; TimeoutError when a reply takes longer.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: Engine = Field(exclude=True, repr=False)
    adapter: str | None = None
    model_name: str
    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int = 256
    timeout: float | None = None

    @property
    def _llm_type(self) -> str:
        return "autoact-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "temperature": self.temperature, "seed": self.seed}

    @override
    def get_token_ids(self, text: str) -> list[int]:
        """The model's own tokens of a text, as it stands within a turn."""
        return text_ids(self.engine.tokenizer, text)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self._asked(self._ids(messages), stop, kwargs) as future:
            return reply.result(self._message(future.result()))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self._asked(await self._aids(messages), stop, kwargs) as future:
            return reply.result(self._message(await asyncio.wrap_future(future)))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        said: SimpleQueue[str | None] = SimpleQueue()
        with self._asked(self._ids(messages), stop, kwargs, said.put) as future:
            future.add_done_callback(lambda _: said.put(None))
            yield from reply.chunks(iter(said.get, None), lambda: self._message(future.result()), run_manager)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        loop = asyncio.get_running_loop()
        said: asyncio.Queue[str | None] = asyncio.Queue()

        def hear(piece: str) -> None:
            loop.call_soon_threadsafe(said.put_nowait, piece)

        with self._asked(await self._aids(messages), stop, kwargs, hear) as future:
            answer = asyncio.wrap_future(future)
            answer.add_done_callback(lambda _: said.put_nowait(None))

            async def whole() -> AIMessage:
                return self._message(await answer)

            async for chunk in reply.achunks(_until_none(said), whole, run_manager):
                yield chunk

    def _ids(self, messages: list[BaseMessage]) -> list[int]:
        return to_ids(self.engine.tokenizer, as_chat(messages), generate=True)

    async def _aids(self, messages: list[BaseMessage]) -> list[int]:
        """The same; what takes long is done in a thread, so that the event loop goes on."""
        if sum(len(message.text) for message in messages) <= SHORT:
            return self._ids(messages)
        return await asyncio.to_thread(self._ids, messages)

    @contextmanager
    def _asked(
        self,
        ids: Sequence[int],
        stop: list[str] | None,
        settings: dict[str, Any],
        on_text: Callable[[str], None] | None = None,
    ) -> Iterator[Future[Completion]]:
        """The request in the engine, for as long as its caller waits."""
        request = Request(
            ids=ids,
            adapter=self.adapter,
            max_tokens=settings.get("max_tokens") or self.max_tokens,
            temperature=_given(settings, "temperature", self.temperature),
            seed=_given(settings, "seed", self.seed),
            stop=tuple(stop or ()),
            regex=settings.get("regex") or "",
            seconds=_given(settings, "timeout", self.timeout),
        )
        future = self.engine.submit(request, on_text)
        try:
            yield future
        finally:
            future.cancel()

    def _message(self, said: Completion) -> AIMessage:
        about = {"model_name": self.model_name, "finish_reason": said.finish}
        return reply.message(said.text, said.input_tokens, said.output_tokens, **about)


async def _until_none(said: asyncio.Queue[str | None]) -> AsyncIterator[str]:
    while (piece := await said.get()) is not None:
        yield piece


def _given(settings: dict[str, Any], name: str, default: Any) -> Any:
    value = settings.get(name)
    return default if value is None else value
