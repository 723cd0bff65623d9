"""A LangChain chat model answered by the in-process engine, as the base or as one of its adapters.

    model = LocalChatModel(engine=engine, adapter="plan", model_name="plan-3fa9c1d2e4b5")
    model.bind(temperature=0.8, seed=7, max_tokens=64).invoke([HumanMessage("Question: …")]).text

Not covered: streaming and tool calling; agents take whole plain-text turns.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict, Field
from typing_extensions import override

from autoact.models.chat_format import as_chat, to_ids
from autoact.models.engine import Engine
from autoact.models.request import Completion, Request


class LocalChatModel(BaseChatModel):
    """Sampling fields are defaults; temperature, seed, max_tokens and stop may be given per call."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: Engine = Field(exclude=True, repr=False)
    adapter: str | None = None
    model_name: str
    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int = 256

    @property
    def _llm_type(self) -> str:
        return "autoact-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "temperature": self.temperature, "seed": self.seed}

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(self._submit(messages, stop, kwargs).result())

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(await asyncio.wrap_future(self._submit(messages, stop, kwargs)))

    def _submit(
        self, messages: list[BaseMessage], stop: list[str] | None, settings: dict[str, Any]
    ) -> Future[Completion]:
        request = Request(
            ids=to_ids(self.engine.tokenizer, as_chat(messages), generate=True),
            adapter=self.adapter,
            max_tokens=settings.get("max_tokens") or self.max_tokens,
            temperature=_given(settings, "temperature", self.temperature),
            seed=_given(settings, "seed", self.seed),
            stop=tuple(stop or ()),
        )
        return self.engine.submit(request)

    def _result(self, completion: Completion) -> ChatResult:
        read, wrote = completion.input_tokens, completion.output_tokens
        reply = AIMessage(
            completion.text,
            usage_metadata=UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote),
            response_metadata={"model_name": self.model_name, "finish_reason": completion.finish},
        )
        return ChatResult(generations=[ChatGeneration(message=reply)])


def _given(settings: dict[str, Any], name: str, default: Any) -> Any:
    value = settings.get(name)
    return default if value is None else value
