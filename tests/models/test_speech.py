"""Pieces of text are told as soon as they are certain, and make up the whole exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.models.speech import Speech, alphabet


def byte_fallback_tokenizer() -> Any:
    """As Llama 2 and Gemma have it: words, and one token per byte for all else."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "b", "▁a", "é"]
    raw = Tokenizer(models.BPE({word: at for at, word in enumerate(words)}, [], byte_fallback=True))
    raw.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="</s>")


@pytest.fixture(scope="module")
def byte_level(make_tokenizer: Callable[..., Any]) -> Any:
    return make_tokenizer()


@pytest.fixture(scope="module")
def byte_fallback() -> Any:
    return byte_fallback_tokenizer()


def text_of(tokenizer: Any, tokens: Sequence[int]) -> str:
    return alphabet(tokenizer).decode(tokens)


def told(tokenizer: Any, tokens: list[int], stop: Sequence[str] = ()) -> list[str]:
    """The pieces of `tokens`, all but the last of which the row goes on after."""
    pieces: list[str] = []
    speech = Speech(pieces.append, alphabet(tokenizer), stop)
    for token in tokens[:-1]:
        speech.hear(token)
    speech.end(text_of(tokenizer, tokens))
    return pieces


SAID = st.lists(st.integers(0, 10**6), min_size=1, max_size=60)


@given(SAID)
def test_whatever_bytes_are_said_the_pieces_make_up_the_text(byte_level: Any, said: list[int]) -> None:
    tokens = [number % len(byte_level) for number in said]
    pieces = told(byte_level, tokens)
    assert "".join(pieces) == text_of(byte_level, tokens)
    assert "" not in pieces


@given(SAID)
def test_a_tokenizer_that_falls_back_to_bytes_tells_them_by_the_run(byte_fallback: Any, said: list[int]) -> None:
    tokens = [number % len(byte_fallback) for number in said]
    assert "".join(told(byte_fallback, tokens)) == text_of(byte_fallback, tokens)


@pytest.mark.parametrize("text", ["Bass Rock, 漢字 and 🙂 é.", "🙂" * 40, "plain words " * 20, " \n\t leading"])
def test_no_piece_holds_half_a_character(byte_level: Any, text: str) -> None:
    pieces = told(byte_level, byte_level(text, add_special_tokens=False)["input_ids"])
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)
    assert len(pieces) > 5


def test_what_could_begin_a_stop_string_is_held_until_it_does_not(byte_level: Any) -> None:
    tokens = [byte_level(letter, add_special_tokens=False)["input_ids"][0] for letter in "xENxEND"]
    assert told(byte_level, tokens[:-1], stop=["END"]) == ["x", "ENx", "EN"]


def test_a_token_is_decoded_beside_a_few_others_however_long_the_text(byte_level: Any) -> None:
    sizes: list[int] = []

    def decode(tokens: Sequence[int]) -> str:
        sizes.append(len(tokens))
        return text_of(byte_level, tokens)

    speech = Speech(lambda _: None, replace(alphabet(byte_level), decode=decode), ())
    for token in [*range(5, 300), *[200] * 300]:
        speech.hear(token)
    assert max(sizes) < 20
