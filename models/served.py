"""A model on a vLLM server, which takes more than OpenAI's own interface does.

    model = VllmChatModel(model="plan", base_url="http://127.0.0.1:8000/v1", api_key="none")
    model.bind(extra_body=held_to("right|wrong")).invoke(…)      # the reply is one of the two words

Only the field `structured_outputs` is used: vLLM answers 200 to the older `guided_*` ones and ignores them.
"""

from __future__ import annotations

from typing import Any

from langchain_openai import ChatOpenAI


class VllmChatModel(ChatOpenAI):
    """ChatOpenAI in all but name: what says that the server is vLLM."""

    @property
    def _llm_type(self) -> str:
        return "autoact-vllm"


def held_to(regex: str) -> dict[str, Any]:
    """The fields of a request whose completion must match the whole of `regex`."""
    return {"structured_outputs": {"regex": regex}}
