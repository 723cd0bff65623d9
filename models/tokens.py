"""Text cut to a number of tokens of the model that is to read it.

    shorten(model, "The Bass Rock, or simply the Bass, is an island …", limit=12)
    # "The Bass Rock, or simply […]"

A model in this process is asked for its tokens; elsewhere a token is taken for four characters, as LangChain does.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from typing import Any

from langchain_core.language_models import BaseChatModel

from autoact.models.local import LocalChatModel

MARK = " […]"
CHARACTERS = 4


def shorten(model: BaseChatModel, text: str, limit: int) -> str:
    """`text` as it is when it has at most `limit` tokens, else its beginning and a mark, together within them.

    Nothing is left of a text when not even the mark fits.
    """
    return _by_tokens(model, text, limit) if isinstance(model, LocalChatModel) else _by_characters(text, limit)


def _by_tokens(model: LocalChatModel, text: str, limit: int) -> str:
    # What lies beyond the reach of `limit` tokens is never tokenised, however long it is.
    head = text[: limit * _longest(model.engine.tokenizer) + 1]
    if len(head) == len(text) and model.get_num_tokens(text) <= limit:
        return text
    fitting = bisect_right(range(len(head)), limit, key=lambda size: model.get_num_tokens(head[:size] + MARK))
    return head[: fitting - 1] + MARK if fitting else ""


def _by_characters(text: str, limit: int) -> str:
    room = CHARACTERS * limit
    if len(text) <= room:
        return text
    return text[: room - len(MARK)] + MARK if room >= len(MARK) else ""


@functools.lru_cache(maxsize=16)
def _longest(tokenizer: Any) -> int:
    """Characters that a single token may stand for."""
    return max(map(len, tokenizer.get_vocab()))
