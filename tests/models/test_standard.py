"""LangChain's own tests of chat models, over the in-process model and the scripted one, with no network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from pytest_socket import disable_socket, enable_socket

from autoact.models.engine import Engine
from autoact.models.local import LocalChatModel
from autoact.models.scripted import ScriptedChatModel

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    # An event loop wakes itself through a pair of Unix sockets.
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


class Model:
    """What the suite asks about both models. They have no tools, schemas or images, which it finds out itself."""

    # Another model is another object: of the same engine, or with a script of its own.
    supports_model_override = False

    @property
    def chat_model_params(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"LC_OUTPUT_VERSION": "v1"}, self.chat_model_params, {"output_version": "v1"}


class Local(Model):
    """What the suite asks about the in-process model."""

    engine: Engine

    @pytest.fixture(autouse=True)
    def _with_engine(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LocalChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"engine": self.engine, "adapter": "plan", "model_name": "plan-1"}


class Scripted(Model):
    """What the suite asks about the scripted model."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ScriptedChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"replies": ["Thought: look it up.\nAction: Retrieve"] * 9}


class TestLocalUnit(Local, ChatModelUnitTests): ...


class TestLocalIntegration(Local, ChatModelIntegrationTests): ...


class TestScriptedUnit(Scripted, ChatModelUnitTests): ...


class TestScriptedIntegration(Scripted, ChatModelIntegrationTests): ...
