"""Text is cut to a number of tokens of the model that reads it."""

from __future__ import annotations

import random
import time

import pytest
from langchain_core.messages import HumanMessage, trim_messages

from autoact.models.engine import Engine
from autoact.models.local import LocalChatModel
from autoact.models.scripted import ScriptedChatModel
from autoact.models.tokens import MARK, shorten

LONG = {
    "letters": "a" * 10**7,
    "spaces": " " * 10**7,
    "words": "The Bass Rock is an island. " * 400_000,
    "emoji": "🙂é漢" * 10**6,
    "marks": "<|end|>" * 10**6,
    "halves": "\ud800" * 10**6,
}


@pytest.fixture
def local(engine: Engine) -> LocalChatModel:
    return LocalChatModel(engine=engine, model_name="base")


def test_a_text_within_the_limit_comes_back_as_it_is(local: LocalChatModel) -> None:
    text = "The Bass Rock, or simply the Bass."
    assert shorten(local, text, local.get_num_tokens(text)) is text
    assert shorten(ScriptedChatModel(replies=[]), text, 9) is text


def test_a_cut_text_ends_in_the_mark_and_uses_its_tokens(local: LocalChatModel) -> None:
    text = "The Bass Rock, or simply the Bass 🙂é漢字, is an island. " * 9
    for limit in range(8, 100):
        cut = shorten(local, text, limit)
        assert cut.endswith(MARK)
        assert text.startswith(cut.removesuffix(MARK))
        assert limit - 4 <= local.get_num_tokens(cut) <= limit


def test_nothing_is_left_when_the_mark_does_not_fit(local: LocalChatModel) -> None:
    for model in (local, ScriptedChatModel(replies=[])):
        assert shorten(model, "many words that do not fit", 0) == ""
        assert shorten(model, "", 0) == ""


@pytest.mark.parametrize("letter", ["x", "é", "漢", "🙂", "\ud800", "x漢", "xx🙂"])
def test_elsewhere_a_token_is_four_bytes_and_no_character_is_split(letter: str) -> None:
    model, text = ScriptedChatModel(replies=[]), letter * 90
    for limit in range(2, 20):
        cut = shorten(model, text, limit)
        assert cut.endswith(MARK)
        assert text.startswith(cut.removesuffix(MARK))
        assert 4 * limit - 3 <= len(cut.encode("utf-8", "surrogatepass")) <= 4 * limit
    size = len(text.encode("utf-8", "surrogatepass"))
    assert shorten(model, text, -(-size // 4)) is text


@pytest.mark.parametrize("kind", LONG)
def test_elsewhere_too_a_long_text_is_cut_in_no_time(kind: str) -> None:
    start = time.process_time()
    for limit in (1000, 10**6, 10**7):
        assert len(shorten(ScriptedChatModel(replies=[]), LONG[kind], limit).encode(errors="replace")) <= 4 * limit
    assert time.process_time() - start < 1


@pytest.mark.parametrize("kind", LONG)
def test_a_long_hostile_text_is_cut_in_no_time(local: LocalChatModel, kind: str) -> None:
    shorten(local, "warm up", 1)
    start = time.process_time()
    cut = shorten(local, LONG[kind], 1000)
    assert time.process_time() - start < 1
    assert 990 <= local.get_num_tokens(cut) <= 1000


def test_a_cut_text_takes_no_more_tokens_in_a_turn(local: LocalChatModel) -> None:
    draw = random.Random(1)
    for _ in range(20):
        text = "".join(draw.choices(["<|end|>", "<|", "end", "|>", "é", " ", "[INST]"], k=60))
        empty, full = (local.invoke([HumanMessage(said)], max_tokens=1) for said in ("", shorten(local, text, 40)))
        assert full.usage_metadata["input_tokens"] - empty.usage_metadata["input_tokens"] <= 40  # type: ignore[index]


def test_langchain_counts_tokens_with_the_models_own_tokenizer(local: LocalChatModel) -> None:
    assert local.get_num_tokens("Bass Rock") == len(local.engine.tokenizer("Bass Rock")["input_ids"])
    kept = trim_messages([HumanMessage("word " * 50), HumanMessage("last")], max_tokens=40, token_counter=local)
    assert [message.text for message in kept] == ["last"]
