"""A chat model that says what it is told to: the public fake, for tests and dry runs.

model = ScriptedChatModel(replies=["Thought: look it up.\\nAction: Retrieve", "Lima"])
model.invoke("What is the capital of Peru?").text     # the first reply
model.calls[0][0].text                                # "What is the capital of Peru?"
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, PrivateAttr
from typing_extensions import override


class ScriptedChatModel(BaseChatModel):
    """Replies in order from a list, or by a function of the messages; sampling settings are ignored.

    Raises RuntimeError when a list of replies has run out. Usage counts words, not tokens.
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
        return self._answer(messages)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._answer(messages)

    def _answer(self, messages: list[BaseMessage]) -> ChatResult:
        text = self._next(messages)
        read = sum(len(str(message.text).split()) for message in messages)
        wrote = len(text.split())
        reply = AIMessage(
            text,
            usage_metadata=UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote),
            response_metadata={"model_name": self.model_name},
        )
        return ChatResult(generations=[ChatGeneration(message=reply)])

    def _next(self, messages: list[BaseMessage]) -> str:
        with self._lock:
            self.calls.append(list(messages))
            turn = len(self.calls)
        if callable(self.replies):
            return self.replies(messages)
        if turn > len(self.replies):
            raise RuntimeError(f"the script has {len(self.replies)} replies and was asked for number {turn}")
        return self.replies[turn - 1]
