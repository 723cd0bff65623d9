"""Text cut to a number of tokens of the model that is to read it.

    shorten(model, "The Bass Rock, or simply the Bass, is an island …", limit=12)
    # "The Bass Rock, or simply […]"

A model in this process is asked for its tokens; elsewhere a token is taken for four bytes: in English that is four
characters, as LangChain has it, and in scripts that take more tokens it is fewer.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from typing import Any

from langchain_core.language_models import BaseChatModel

from autoact.models.local import LocalChatModel

MARK = " […]"
BYTES = 4


def shorten(model: BaseChatModel, text: str, limit: int) -> str:
    """`text` as it is when it has at most `limit` tokens, else its beginning and a mark, together within them.

    Nothing is left of a text when not even the mark fits.
    """
    return _by_tokens(model, text, limit) if isinstance(model, LocalChatModel) else _by_bytes(text, limit)


def _by_tokens(model: LocalChatModel, text: str, limit: int) -> str:
    # What lies beyond the reach of `limit` tokens is never tokenised, however long it is.
    head = text[: limit * _longest(model.engine.tokenizer) + 1]
    if len(head) == len(text) and model.get_num_tokens(text) <= limit:
        return text
    fitting = bisect_right(range(len(head)), limit, key=lambda size: model.get_num_tokens(head[:size] + MARK))
    return head[: fitting - 1] + MARK if fitting else ""


def _by_bytes(text: str, limit: int) -> str:
    room = BYTES * limit
    # No character is less than a byte, so what lies further is never encoded.
    written = text[: room + 1].encode("utf-8", "surrogatepass")
    if len(written) <= room:
        return text
    end = room - len(MARK.encode())
    if end < 0:
        return ""
    while _within_character(written[end]):
        end -= 1
    return written[:end].decode("utf-8", "surrogatepass") + MARK


def _within_character(byte: int) -> bool:
    return byte & 0xC0 == 0x80


@functools.lru_cache(maxsize=16)
def _longest(tokenizer: Any) -> int:
    """Characters that a single token may stand for."""
    return max(map(len, tokenizer.get_vocab()))
