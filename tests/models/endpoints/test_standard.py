"""LangChain's own tests of chat models, over our client of other servers at one on the loopback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from autoact.models.served import VllmChatModel
from tests.models.endpoints.loopback import Answer, Body, Loopback, completion, streamed

pytestmark = pytest.mark.anyio
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def answer(body: Body) -> Answer:
    """The same turn, whole or in pieces."""
    return streamed("Bass", " Rock", {"choices": [], "usage": USAGE}) if body.get("stream") else completion("Bass Rock")


class Served:
    """What the suite asks about it. It has no tools, schemas or images, which the suite finds out itself."""

    url = "http://127.0.0.1:1/v1"
    # Another model is another object.
    supports_model_override = False

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return VllmChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model_name": "plan", "base_url": self.url}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"LC_OUTPUT_VERSION": "v1"}, self.chat_model_params, {"output_version": "v1"}


class TestServedUnit(Served, ChatModelUnitTests): ...


class TestServedIntegration(Served, ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _at_a_server(self, serve: Callable[[Callable[[Body], Answer]], Loopback]) -> None:
        self.url = f"{serve(answer).url}/v1"
