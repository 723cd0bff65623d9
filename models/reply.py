"""A reply in LangChain's forms: whole, or in chunks of which the last also says what the reply cost.

    whole = message("Bass Rock", read=9, wrote=2, model_name="plan-3fa9c1d2e4b5", finish_reason="stop")
    for chunk in chunks(["Bass", " Rock"], lambda: whole):
        …

No chunk is empty unless the whole reply is, so that whoever shows tokens need not look for what is none.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


def message(text: str, read: int, wrote: int, **about: str) -> AIMessage:
    """The whole reply; `read` and `wrote` count tokens, `about` is its metadata."""
    usage = UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)
    return AIMessage(text, usage_metadata=usage, response_metadata=about)


def result(whole: AIMessage) -> ChatResult:
    """The whole reply as a model returns it."""
    return ChatResult(generations=[ChatGeneration(message=whole)])


def chunks(
    pieces: Iterable[str], whole: Callable[[], AIMessage], manager: CallbackManagerForLLMRun | None = None
) -> Iterator[ChatGenerationChunk]:
    """The pieces as chunks, each as soon as the next is there; `whole` is asked for at the end."""
    held = ""
    for piece in pieces:
        if held:
            yield _told(_chunk(held), manager)
        held = piece
    yield _told(_last(held, whole()), manager)


async def achunks(
    pieces: AsyncIterable[str],
    whole: Callable[[], Awaitable[AIMessage]],
    manager: AsyncCallbackManagerForLLMRun | None = None,
) -> AsyncIterator[ChatGenerationChunk]:
    """The same for pieces that are waited for."""
    held = ""
    async for piece in pieces:
        if held:
            yield await _atold(_chunk(held), manager)
        held = piece
    yield await _atold(_last(held, await whole()), manager)


def _chunk(piece: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=piece))


def _last(piece: str, whole: AIMessage) -> ChatGenerationChunk:
    # Without the position LangChain adds an empty chunk of its own.
    last = AIMessageChunk(
        content=piece,
        usage_metadata=whole.usage_metadata,
        response_metadata=whole.response_metadata,
        chunk_position="last",
    )
    return ChatGenerationChunk(message=last)


def _told(chunk: ChatGenerationChunk, manager: CallbackManagerForLLMRun | None) -> ChatGenerationChunk:
    if manager:
        manager.on_llm_new_token(chunk.text, chunk=chunk)
    return chunk


async def _atold(chunk: ChatGenerationChunk, manager: AsyncCallbackManagerForLLMRun | None) -> ChatGenerationChunk:
    if manager:
        await manager.on_llm_new_token(chunk.text, chunk=chunk)
    return chunk
