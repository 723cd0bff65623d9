"""A model server's failure is one line that names the model; anything else passes through."""

from __future__ import annotations

import pytest
from langchain_core.messages import BaseMessage

from autoact.core.errors import EndpointError
from autoact.models.failures import ATTEMPTS, asking, patient
from autoact.models.load import load_model
from autoact.models.scripted import ScriptedChatModel


def test_a_refused_connection_names_the_model_and_what_to_do() -> None:
    model = load_model("openai:plan", endpoint="http://127.0.0.1:1/v1")
    with pytest.raises(EndpointError, match=r"openai:plan does not answer .* see to the server"), asking("openai:plan"):
        model.invoke("Hello")


def test_an_error_of_our_own_is_not_dressed_as_the_servers() -> None:
    with pytest.raises(KeyError), asking("openai:plan"):
        raise KeyError("ours")


def test_a_passing_failure_is_asked_again_and_a_lasting_one_raised() -> None:
    def refuse(_: list[BaseMessage]) -> str:
        raise ConnectionError("refused")

    model = ScriptedChatModel(replies=refuse)
    with pytest.raises(ConnectionError):
        patient(model).invoke("Hello")
    assert len(model.calls) == ATTEMPTS
