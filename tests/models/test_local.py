"""The engine as a LangChain chat model."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import Field

from autoact.core.errors import PromptTooLong
from autoact.models.chat_format import as_chat, to_ids
from autoact.models.engine import Engine, Request
from autoact.models.load import load_model, sampled
from autoact.models.local import LocalChatModel

CHAT: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage("Which castle?")]


@pytest.fixture(scope="module")
def plan(engine: Engine) -> LocalChatModel:
    return LocalChatModel(engine=engine, adapter="plan", model_name="plan-1", max_tokens=12)


def test_a_reply_is_the_engines_text_with_usage_and_name(plan: LocalChatModel, engine: Engine) -> None:
    ids = to_ids(engine.tokenizer, as_chat(CHAT), generate=True)
    expected = engine.submit(Request(ids, adapter="plan", max_tokens=12)).result(timeout=60)
    reply = plan.invoke(CHAT)
    assert reply.text == expected.text
    assert reply.response_metadata["model_name"] == "plan-1"
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["input_tokens"] == len(ids)
    assert reply.usage_metadata["output_tokens"] == expected.output_tokens


def test_async_says_the_same_as_sync(plan: LocalChatModel) -> None:
    assert asyncio.run(plan.ainvoke(CHAT)).text == plan.invoke(CHAT).text


class Noting(LocalChatModel):
    """Notes which threads tokenise."""

    threads: list[int] = Field(default_factory=list)

    def _ids(self, messages: list[BaseMessage]) -> list[int]:
        self.threads.append(threading.get_ident())
        return super()._ids(messages)


@pytest.mark.parametrize(("words", "elsewhere"), [(10, False), (2000, True)])
def test_a_long_prompt_is_tokenised_beside_the_event_loop(engine: Engine, words: int, elsewhere: bool) -> None:
    model = Noting(engine=engine, model_name="base", max_tokens=2)

    async def ask() -> None:
        with suppress(PromptTooLong):
            await model.ainvoke("castle " * words)
        with suppress(PromptTooLong):
            async for _ in model.astream("castle " * words):
                pass

    asyncio.run(ask())
    assert [thread != threading.get_ident() for thread in model.threads] == [elsewhere] * 2


def test_settings_may_be_given_per_call(plan: LocalChatModel) -> None:
    warm = plan.bind(temperature=2.0, seed=3, max_tokens=5)
    assert warm.invoke(CHAT).text == warm.invoke(CHAT).text != plan.invoke(CHAT).text
    whole = plan.invoke(CHAT).text
    assert plan.invoke(CHAT, stop=[whole[3:5]]).text == whole[: whole.index(whole[3:5])]


def test_sampled_binds_the_settings(plan: LocalChatModel) -> None:
    reply = sampled(plan, temperature=2.0, seed=3, max_tokens=5).invoke(CHAT)
    assert reply.text == plan.bind(temperature=2.0, seed=3, max_tokens=5).invoke(CHAT).text
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["output_tokens"] <= 5


def test_a_conversation_too_long_is_an_error_with_sizes(plan: LocalChatModel) -> None:
    with pytest.raises(PromptTooLong, match="window is 512"):
        plan.invoke([HumanMessage("long " * 600)])


def test_a_folder_is_loaded_under_its_own_name(home: Path) -> None:
    model = load_model(f"transformers:{home / 'base'}")
    assert isinstance(model, LocalChatModel)
    assert model.invoke(CHAT, max_tokens=3).response_metadata["model_name"] == "base"
    model.engine.close()
