"""A model server's failure is one line that names the model; anything else passes through."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from langchain_core.messages import BaseMessage

from autoact.core.errors import EndpointError
from autoact.models.failures import ATTEMPTS, asking, patient, server_errors, transient_errors
from autoact.models.load import load_model
from autoact.models.scripted import ScriptedChatModel


def test_a_refused_connection_names_the_model_and_what_to_do() -> None:
    model = load_model("openai:plan", endpoint="http://127.0.0.1:1/v1")
    with pytest.raises(EndpointError, match=r"openai:plan does not answer .* see to the server"), asking("openai:plan"):
        model.invoke("Hello")


def test_an_error_of_our_own_is_not_dressed_as_the_servers() -> None:
    with pytest.raises(KeyError), asking("openai:plan"):
        raise KeyError("ours")


ANTHROPIC = """
class APIError(Exception): ...
class APIConnectionError(APIError): ...
class RateLimitError(APIError): ...
class InternalServerError(APIError): ...
class OverloadedError(InternalServerError): ...
class BadRequestError(APIError): ...
"""


@pytest.fixture
def anthropic(tmp_path: Path) -> Iterator[ModuleType]:
    """A package of the name, with the errors that its client has."""
    (tmp_path / "anthropic.py").write_text(ANTHROPIC)
    sys.path.insert(0, str(tmp_path))
    yield importlib.import_module("anthropic")
    sys.path.remove(str(tmp_path))
    del sys.modules["anthropic"]


def test_the_errors_of_another_provider_are_known_once_it_is_loaded(anthropic: ModuleType) -> None:
    assert issubclass(anthropic.OverloadedError, transient_errors())
    assert not issubclass(anthropic.BadRequestError, transient_errors())
    assert issubclass(anthropic.BadRequestError, server_errors())


def test_both_clients_over_http_are_known() -> None:
    import httpx
    import httpx2

    for package in (httpx, httpx2):
        assert issubclass(package.ReadTimeout, transient_errors())
        assert issubclass(package.ConnectError, transient_errors())
        assert not issubclass(package.HTTPStatusError, transient_errors())
        assert issubclass(package.HTTPStatusError, server_errors())


def test_a_passing_failure_is_asked_again_and_a_lasting_one_raised() -> None:
    def refuse(_: list[BaseMessage]) -> str:
        raise ConnectionError("refused")

    model = ScriptedChatModel(replies=refuse)
    with pytest.raises(ConnectionError):
        patient(model).invoke("Hello")
    assert len(model.calls) == ATTEMPTS
