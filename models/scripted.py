"""A chat model that says what it is told to: the public fake, for tests and dry runs.

model = ScriptedChatModel(replies=["Thought: look it up.\\nAction: Retrieve", "Lima"])
model.invoke("What is the capital of Peru?").text     # the first reply
model.calls[0][0].text                                # "What is the capital of Peru?"
"""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr
from typing_extensions import override

from autoact.models import reply

WORD = re.compile(r"\s*\S+\s*|\s+")


class ScriptedChatModel(BaseChatModel):
    """Replies in order from a list, or by a function of the messages; sampling settings are ignored.

    Raises RuntimeError when a list of replies has run out. Usage counts words, and streams are words, not tokens.
    """

    replies: list[str] | Callable[[list[BaseMessage]], str]
    model_name: str = "scripted"
    calls: list[list[BaseMessage]] = Field(default_factory=list)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return reply.result(self._answer(messages))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return reply.result(self._answer(messages))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        whole = self._answer(messages)
        return reply.chunks(WORD.findall(str(whole.text)), lambda: whole, run_manager)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        text = self._next(messages)
        read = sum(len(str(message.text).split()) for message in messages)
        return reply.message(text, read, len(text.split()), model_name=self.model_name, finish_reason="stop")

    def _next(self, messages: list[BaseMessage]) -> str:
        with self._lock:
            self.calls.append(list(messages))
            turn = len(self.calls)
        if callable(self.replies):
            return self.replies(messages)
        if turn > len(self.replies):
            raise RuntimeError(f"the script has {len(self.replies)} replies and was asked for number {turn}")
        return self.replies[turn - 1]
