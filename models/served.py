"""A model on a vLLM server, which takes more than OpenAI's own interface does; several servers may hold the same one.

    model = VllmChatModel(model="plan", base_url="http://127.0.0.1:8000/v1", api_key="none")
    model.bind(extra_body=held_to("right|wrong")).invoke(…)      # the reply is one of the two words
    model.of("What is the currency of Peru?").invoke(…)          # always the same replica for one episode

Only the field `structured_outputs` is used: vLLM answers 200 to the older `guided_*` ones and ignores them.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_openai import ChatOpenAI
from pydantic import Field
from typing_extensions import override

from autoact.models.chat_format import without_marks


class EndpointChatModel(ChatOpenAI):
    """ChatOpenAI for a server of open models: no text in a message can pass for a mark of the chat template."""

    @override
    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        payload: dict[str, Any] = super()._get_request_payload(input_, stop=stop, **kwargs)
        for message in payload["messages"]:
            if isinstance(message["content"], str):
                message["content"] = without_marks(message["content"])
        return payload


class VllmChatModel(EndpointChatModel):
    """One that takes vLLM's own fields. `replicas` are the same model on other servers."""

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
