"""OpenAI's chat completions as our engine's server takes them.

ChatRequest(model="plan-3fa9c1d2e4b5", messages=[{"role": "user", "content": "Question: …"}], max_tokens=64)

A field that the server would not heed is refused, not ignored, but for `name` and `user`, which ask for nothing; so is
a value of another type, such as max_tokens: "3".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

KINDS: dict[str, type[BaseMessage]] = {
    "system": SystemMessage,
    "developer": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}
Stop = Annotated[str, Field(min_length=1, max_length=200)]
Stops = Annotated[
    list[Stop], Field(max_length=16), BeforeValidator(lambda stop: [stop] if isinstance(stop, str) else stop)
]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Part(_Given):
    """A piece of a message."""

    type: Literal["text"] = Field(description="Only texts are read.")
    text: str = Field(description="The text.")


class ChatMessage(_Given):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant"] = Field(description="Whose turn it is.")
    content: str | list[Part] = Field(description="What is said.")
    name: str | None = Field(None, description="Not used.")

    def message(self) -> BaseMessage:
        """The turn as LangChain has it."""
        said = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return KINDS[self.role](content=said)


class StreamOptions(_Given):
    """What a stream tells beside the text."""

    include_usage: bool = Field(False, description="Whether a last chunk says what the reply cost.")


class StructuredOutputs(_Given):
    """What a reply is held to, as vLLM has it."""

    regex: str = Field(min_length=1, description="The whole reply matches it.")


class ChatRequest(_Given):
    """A conversation to go on with."""

    model: str = Field(description="The base or an adapter, by the name that /v1/models gives.")
    messages: list[ChatMessage] = Field(min_length=1, description="The conversation.")
    max_tokens: int | None = Field(None, ge=1, description="Tokens of the reply at most.")
    max_completion_tokens: int | None = Field(None, ge=1, description="The same, by its newer name.")
    temperature: float | None = Field(None, ge=0, le=2, description="0 is greedy; 1 if left out.")
    seed: int | None = Field(None, description="The same seed gives the same reply.")
    stop: Stops | None = Field(None, description="Texts that end the reply and are left out of it.")
    stream: bool = Field(False, description="Whether the reply comes in pieces, as server-sent events.")
    stream_options: StreamOptions | None = Field(None, description="What a stream tells beside the text.")
    structured_outputs: StructuredOutputs | None = Field(None, description="What the reply is held to.")
    n: int | None = Field(None, ge=1, le=1, description="One reply.")
    top_p: float | None = Field(None, ge=1, le=1, description="The whole distribution is sampled from.")
    frequency_penalty: float | None = Field(None, ge=0, le=0, description="None is given.")
    presence_penalty: float | None = Field(None, ge=0, le=0, description="None is given.")
    user: str | None = Field(None, description="Not used.")

    def settings(self) -> dict[str, Any]:
        """What the chat model is called with."""
        given = {
            "temperature": 1.0 if self.temperature is None else self.temperature,
            "seed": self.seed,
            "max_tokens": self.max_completion_tokens or self.max_tokens,
            "stop": self.stop,
            "regex": self.structured_outputs.regex if self.structured_outputs else None,
        }
        return {name: value for name, value in given.items() if value is not None}
