"""Chat messages become token ids here and nowhere else, at run time and in training alike.

    prepare(tokenizer)                                    # "" or a note: "… our minimal one is used"
    to_ids(tokenizer, [{"role": "user", "content": "Hi"}], generate=True)
    turn_spans(tokenizer, chat).spans                     # where each assistant turn's tokens lie

Text inside a message can never become a special token: `Hi<|end|>` is rendered as `Hi< |end|>`.
Not covered: role marks that a template writes in plain words (`user:`); a turn still opens only after a
closing token, which text cannot contain.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from autoact.core.errors import ModelError

Chat = list[dict[str, str]]

ROLE_OF_TYPE = {"system": "system", "human": "user", "ai": "assistant"}
# Marks that chat templates write literally, whether or not the tokenizer holds them as tokens.
LITERAL_MARK = re.compile(r"<\|[^|<>{}\s]+\|>|\[/?[A-Z_]+\]|<</?SYS>>|<[a-z]+_of_[a-z]+>")
# What common templates and tokenizers write, for a server whose own are not here.
COMMON_MARK = re.compile(
    r"<\|[^|<>{}\s]+\|?>|<[^|<>{}\s]+\|>|<｜[^<>{}\s]+｜>|<</?SYS>>|<[a-z]+_of_[a-z]+>|</?s>|<(?:bos|eos|pad|unk)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|IMG|BOS|EOS|PAD|UNK)\]"
)
PROBE: Chat = [
    {"role": "system", "content": "Answer with the tools."},
    {"role": "user", "content": "Question: which?"},
    {"role": "assistant", "content": "Thought: look.\nAction: Retrieve"},
    {"role": "user", "content": "Input for Retrieve:"},
    {"role": "assistant", "content": "Bass Rock"},
    {"role": "user", "content": "Observation: an island."},
    {"role": "assistant", "content": "Thought: done.\nAction: Finish"},
]


@dataclass(frozen=True, slots=True)
class Turns:
    """A conversation's token ids and, per assistant turn, the half-open span up to its closing token."""

    ids: list[int]
    spans: list[tuple[int, int]]


def as_chat(messages: Sequence[BaseMessage]) -> Chat:
    """LangChain messages as role–content pairs. Raises ModelError on a role other than the three."""
    return [{"role": _role(message), "content": str(message.text)} for message in messages]


def prepare(tokenizer: Any) -> str:
    """Give the tokenizer a pad token and a chat template where it lacks them; a note when it got ours."""
    if tokenizer.eos_token is None:
        raise ModelError("the tokenizer has no end-of-text token (eos_token); set one in its configuration")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if isinstance(tokenizer.chat_template, dict):
        tokenizer.chat_template = tokenizer.chat_template.get("default")
    _forget_limits(tokenizer)
    if tokenizer.chat_template:
        return ""
    tokenizer.chat_template = Path(__file__).with_name("minimal.jinja").read_text("utf-8").strip()
    return "the tokenizer has no chat template; our minimal one is used"


def to_ids(tokenizer: Any, chat: Sequence[dict[str, str]], generate: bool) -> list[int]:
    """The token ids of `chat`; `generate` adds what opens the next assistant turn. Raises ModelError."""
    if not _takes_system(tokenizer, tokenizer.chat_template):
        chat = _fold_system(chat)
    marks = _marks(tokenizer, tokenizer.chat_template)
    clean = [{"role": turn["role"], "content": _clean(tokenizer, turn["content"], marks)} for turn in chat]
    return _ids(tokenizer, _rendered(tokenizer, clean, generate))


def text_ids(tokenizer: Any, text: str) -> list[int]:
    """The token ids of `text` alone, as it stands within a turn."""
    return _ids(tokenizer, _clean(tokenizer, text, _marks(tokenizer, tokenizer.chat_template)))


def without_marks(text: str) -> str:
    """Text for a server whose tokenizer is not here: what passes for a mark in common chat templates is broken up."""
    return _neutral(text, COMMON_MARK)


def turn_spans(tokenizer: Any, chat: Sequence[dict[str, str]]) -> Turns:
    """Where the assistant turns lie in `to_ids(chat)`. Raises ModelError when a shorter chat is no prefix."""
    ids = to_ids(tokenizer, chat, generate=False)
    marks = _mark_ids(tokenizer)
    spans = []
    for turn, message in enumerate(chat):
        if message["role"] == "assistant":
            opening = to_ids(tokenizer, chat[:turn], generate=True)
            closed = to_ids(tokenizer, chat[: turn + 1], generate=False)
            if ids[: len(opening)] != opening or ids[: len(closed)] != closed:
                raise ModelError(_unstable(turn))
            spans.append((len(opening), _closing(closed, len(opening), marks)))
    return Turns(ids, spans)


def last_turn(tokenizer: Any, chat: Sequence[dict[str, str]]) -> Turns:
    """The run-time prompt of the last turn, and that turn. Raises ModelError when the one does not open the other."""
    opening = to_ids(tokenizer, chat[:-1], generate=True)
    closed = to_ids(tokenizer, chat, generate=False)
    if closed[: len(opening)] != opening:
        raise ModelError(_unstable(len(chat) - 1))
    end = _closing(closed, len(opening), set(tokenizer.all_special_ids))
    return Turns(closed[:end], [(len(opening), end)])


def prefix_problem(tokenizer: Any) -> str:
    """Why a growing chat does not grow token by token under this template; "" when it does."""
    try:
        for last in range(2, len(PROBE)):
            short = to_ids(tokenizer, PROBE[:last], generate=PROBE[last]["role"] == "assistant")
            if to_ids(tokenizer, PROBE[: last + 1], generate=False)[: len(short)] != short:
                return _unstable(last)
        turn_spans(tokenizer, PROBE)
    except ModelError as problem:
        return str(problem)
    return ""


def closing_ids(tokenizer: Any) -> set[int]:
    """The tokens that end a turn: the tokenizer's own, and the one the template closes with."""
    chat = PROBE[:3]
    opening = to_ids(tokenizer, chat[:2], generate=True)
    closed = to_ids(tokenizer, chat, generate=False)
    last = closed[_closing(closed, len(opening), _mark_ids(tokenizer)) - 1]
    return {tokenizer.eos_token_id} | ({last} & _mark_ids(tokenizer))


def _ids(tokenizer: Any, text: str) -> list[int]:
    # Half a surrogate pair, as careless JSON may hold one, is no character and stops the tokenizer.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    ids: list[int] = tokenizer(whole, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _role(message: BaseMessage) -> str:
    role = ROLE_OF_TYPE.get(message.type)
    if role is None:
        raise ModelError(f"a {message.type!r} message cannot be sent: use system, user and assistant messages")
    return role


def _forget_limits(tokenizer: Any) -> None:
    # A fast tokenizer saved with limits resets them on use, which fails when two threads use it at once.
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        backend.no_truncation()
        backend.no_padding()


def _rendered(tokenizer: Any, chat: Sequence[dict[str, str]], generate: bool) -> str:
    from jinja2 import TemplateError

    try:
        return str(tokenizer.apply_chat_template(list(chat), tokenize=False, add_generation_prompt=generate))
    except TemplateError as problem:
        raise ModelError(f"the model's chat template refuses this conversation: {problem}") from None


def _mark_ids(tokenizer: Any) -> set[int]:
    """The added tokens, special or not: a template may close a turn with either."""
    added = tokenizer.added_tokens_decoder.items()
    return {number for number, token in added if token.content.strip()} | set(tokenizer.all_special_ids)


def _closing(ids: list[int], start: int, special: set[int]) -> int:
    """One past the last added token of ids[start:]: what a template writes after it is nobody's turn."""
    ends = [at for at in range(start, len(ids)) if ids[at] in special]
    return ends[-1] + 1 if ends else len(ids)


def _unstable(turn: int) -> str:
    return f"the chat template is not prefix-stable: message {turn} changes the tokens before it"


@functools.lru_cache(maxsize=16)
def _takes_system(tokenizer: Any, template: str) -> bool:  # noqa: ARG001 - part of the cache's key
    try:
        return PROBE[0]["content"] in _rendered(tokenizer, PROBE[:2], generate=True)
    except ModelError:
        return False


def _fold_system(chat: Sequence[dict[str, str]]) -> Chat:
    if not chat or chat[0]["role"] != "system":
        return list(chat)
    system, rest = chat[0]["content"], list(chat[1:])
    if rest and rest[0]["role"] == "user":
        return [{"role": "user", "content": f"{system}\n\n{rest[0]['content']}"}, *rest[1:]]
    return [{"role": "user", "content": system}, *rest]


@functools.lru_cache(maxsize=16)
def _marks(tokenizer: Any, template: str) -> re.Pattern[str]:
    """What text must not contain: all added tokens but white space, and the template's literal marks."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values()}
    words = added | set(tokenizer.all_special_tokens) | set(LITERAL_MARK.findall(template))
    # A mark that a space does not break, such as "x ", would be found again for ever.
    breakable = {word for word in words if word.strip() and (len(word) == 1 or word not in _apart(word))}
    longest_first = sorted(breakable, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _clean(tokenizer: Any, text: str, marks: re.Pattern[str]) -> str:
    """`text` without a mark, also as a tokenizer normalizes it (＜ to <, A to a) before it looks for its tokens."""
    clean, normalizer = _neutral(text, marks), _normalizer(tokenizer)
    if normalizer is None:
        return clean
    normalized = normalizer.normalize_str(clean)
    return _neutral(normalized, marks) if marks.search(normalized) else clean


def _normalizer(tokenizer: Any) -> Any:
    """What the tokenizer's text goes through before its added tokens are looked for; None where none are then."""
    normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    late = normalizer and any(token.normalized for token in tokenizer.added_tokens_decoder.values())
    return normalizer if late else None


def _neutral(text: str, marks: re.Pattern[str]) -> str:
    """`text` with a space after the first character of every mark, until no mark is left."""
    while marks.search(text):
        text = marks.sub(_broken, text)
    return text


def _broken(mark: re.Match[str]) -> str:
    word = mark.group()
    return _apart(word) if len(word) > 1 else " "


def _apart(word: str) -> str:
    return f"{word[0]} {word[1:]}"
