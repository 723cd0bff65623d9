"""The scripted model says what it is told to and remembers what it was asked."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from autoact.models.load import sampled
from autoact.models.scripted import ScriptedChatModel


def test_replies_come_in_order_and_calls_are_kept() -> None:
    model = ScriptedChatModel(replies=["one", "two words"])
    assert model.invoke("a b c").text == "one"
    reply = model.invoke("d")
    assert (reply.text, reply.response_metadata["model_name"]) == ("two words", "scripted")
    assert reply.usage_metadata == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert [call[0].text for call in model.calls] == ["a b c", "d"]


def test_a_script_that_has_run_out_says_so() -> None:
    model = ScriptedChatModel(replies=["one"])
    model.invoke("a")
    with pytest.raises(RuntimeError, match="1 replies and was asked for number 2"):
        model.invoke("b")


def test_a_function_may_answer_sync_and_async() -> None:
    def shout(messages: list[BaseMessage]) -> str:
        return str(messages[-1].text).upper()

    model = ScriptedChatModel(replies=shout, model_name="echo")
    assert model.invoke([HumanMessage("hi")]).text == "HI"
    assert asyncio.run(model.ainvoke([HumanMessage("ho")])).text == "HO"
    assert len(model.calls) == 2


def test_sampling_settings_are_ignored() -> None:
    model = ScriptedChatModel(replies=["a", "b"])
    assert model.bind(temperature=1.0, seed=1, max_tokens=3, stop=["x"]).invoke("q").text == "a"
    assert sampled(model, temperature=1.0, seed=None, max_tokens=3).invoke("q").text == "b"


@pytest.mark.parametrize("text", ["one", "  a b\n\nc ", " \n", "Thought: x.\nAction: Finish"])
def test_a_reply_is_streamed_in_words(text: str) -> None:
    chunks = list(ScriptedChatModel(replies=[text]).stream("q"))
    assert "".join(chunk.text for chunk in chunks) == text
    assert len(chunks) == max(len(text.split()), 1)


def test_every_reply_is_given_once_to_many_threads() -> None:
    replies = [str(number) for number in range(200)]
    model = ScriptedChatModel(replies=replies)
    said = model.batch(["q"] * 200, config={"max_concurrency": 16})
    assert sorted(reply.text for reply in said) == sorted(replies)
