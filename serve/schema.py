"""What goes over the wire: the graph's own records, each field with the description that the OpenAPI page shows.

    Ask(question="What is the capital of Peru?")   →   Answer(thread="5f2c…", status="answered", answer="Lima", …)

Only texts come in: a picture would be a path on this machine, so a question brings its caption and OCR instead.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from autoact.graph.context import Context

THREAD = r"^[A-Za-z0-9_-]{1,64}$"


def _encodable(text: str) -> str:
    """A model can emit half a surrogate pair, which no response can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


Text = Annotated[str, AfterValidator(_encodable)]
Asked = Annotated[str, Field(min_length=1, pattern=r"\S"), AfterValidator(_encodable)]
ThreadName = Annotated[str, Field(pattern=THREAD)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Given):
    """A question and what is shown with it."""

    question: Asked = Field(description="What is asked, whole in itself.")
    choices: list[Text] = Field([], description="Options to choose the answer from.")
    context: Text = Field("", description="Text that is shown with the question.")


class Ask(Question):
    """A question, where to ask it, and how it is to be played."""

    caption: Text = Field("", description="What the question's picture shows, in words.")
    ocr: Text = Field("", description="The text that is written in the question's picture.")
    thread: ThreadName | None = Field(None, description="The thread to ask on; a new one if left out.")
    settings: Context = Field(
        Context(), description="Settings of this question. They may tighten the team's own, and never loosen them."
    )


class Approve(_Given):
    """The call runs as it is."""

    type: Literal["approve"] = Field(description="Which decision this is.")


class ToolInput(_Given):
    """What a tool is given."""

    input: Text = Field(description="The tool's input, as the TOOL-AGENT would write it.")


class EditedAction(_Given):
    """A call as a human wants it."""

    name: Text = Field(description="The tool: one of the team's.")
    args: ToolInput = Field(description="What it is given.")


class Edit(_Given):
    """Another call runs."""

    type: Literal["edit"] = Field(description="Which decision this is.")
    edited_action: EditedAction = Field(description="The call to run instead.")


class Reject(_Given):
    """No call runs; the planner reads why."""

    type: Literal["reject"] = Field(description="Which decision this is.")
    message: Text = Field("", description="Why, in words that the planner reads.")


class Decisions(_Given):
    """A human's word on the call that a thread waits with (the form of LangChain's human-in-the-loop middleware)."""

    decisions: list[Annotated[Approve | Edit | Reject, Field(discriminator="type")]] = Field(
        min_length=1, max_length=1, description="The decision; a thread waits with one call at a time."
    )


class ActionRequest(BaseModel):
    """A call that waits for a human."""

    name: Text = Field(description="The tool.")
    args: dict[str, Text] = Field(description="Its input, under `input`.")
    description: Text = Field("", description="The planner's thought, or what was wrong with the last decision.")


class ReviewConfig(BaseModel):
    """What a human may decide."""

    action_name: Text = Field(description="The tool.")
    allowed_decisions: list[Text] = Field(description="The decisions there are.")


class Review(BaseModel):
    """What a thread waits for (the form of LangChain's human-in-the-loop middleware)."""

    action_requests: list[ActionRequest] = Field(description="The call that waits.")
    review_configs: list[ReviewConfig] = Field(description="What may be decided about it.")


class Step(BaseModel):
    """An action and its observation, a Finish with the answer, or a Reflect with the verdict."""

    thought: Text = Field(description="Why.")
    tool: Text = Field(description="The tool, Finish or Reflect; empty when no action was named.")
    argument: Text = Field(description="The tool's input, the answer, or the verdict.")
    observation: Text = Field("", description="What the tool said.")
    ok: bool = Field(True, description="Whether the action went well.")
    wrote: dict[str, Text] = Field({}, description="Role to the model or adapter that wrote its part.")


class Usage(BaseModel):
    """What one role spent."""

    calls: int = Field(0, description="Times its model was asked.")
    input_tokens: int = Field(0, description="Tokens read.")
    output_tokens: int = Field(0, description="Tokens written.")


class Answer(BaseModel):
    """How a question stands: answered, or waiting for a human, or ended in some other way."""

    thread: str = Field(description="The thread that the question was asked on.")
    question: Text = Field(description="What was asked.")
    status: Literal["answered", "unsure", "halted", "error", "interrupted", "stopped"] = Field(
        description="answered; unsure (reflection still doubts the answer); halted (a budget ran out); error (a model "
        "or the program failed, and `error` says how); interrupted (`interrupt` waits for a decision); stopped (the "
        "client went away, or the server ended)."
    )
    answer: Text = Field("", description="The answer; empty while there is none.")
    error: Text = Field("", description="What failed.")
    steps: list[Step] = Field([], description="The steps taken.")
    usage: dict[str, Usage] = Field({}, description="Role to what it spent.")
    reflections: int = Field(0, description="Times reflection doubted an answer.")
    interrupt: Review | None = Field(None, description="The call that waits for a human.")


class Told(BaseModel):
    """What an MCP client is given."""

    answer: Text = Field(description="The answer; empty when there is none.")
    status: str = Field(description="answered; unsure (reflection still doubts the answer); halted (no budget left).")
    steps: int = Field(description="How many steps it took.")


class Thread(BaseModel):
    """A thread's questions."""

    thread: str = Field(description="The thread's name.")
    playing: bool = Field(description="Whether a question is being played right now.")
    questions: list[Answer] = Field(description="Its last questions, the oldest first.")


class Begun(BaseModel):
    """The event `start`: where the question is played."""

    thread: str = Field(description="The thread's name.")


class Token(BaseModel):
    """The event `token`: a piece of an agent's turn, or the whole of it when its model does not stream."""

    agent: str = Field(description="Who speaks: plan, tool or reflect.")
    text: Text = Field(description="What is said.")


class Action(BaseModel):
    """The event `action`: a tool is called."""

    tool: Text = Field(description="The tool.")
    input: Text = Field(description="Its input.")


class Observation(BaseModel):
    """The event `observation`: what the planner reads of an action."""

    tool: Text = Field(description="The tool.")
    ok: bool = Field(description="Whether the action went well.")
    observation: Text = Field(description="What the planner reads.")
    seconds: float = Field(description="How long it took.")


class Tool(BaseModel):
    """A tool of the team."""

    name: str = Field(description="Its name.")
    definition: str = Field(description="What it is for.")
    usage: str = Field(description="What its input is.")


class TeamCard(BaseModel):
    """Who answers here."""

    name: str = Field(description="The task that the team was trained for.")
    description: str = Field(description="What the agents are told of the task.")
    models: dict[str, str] = Field(description="The names that settings choose models by, to the models.")
    tools: list[Tool] = Field(description="The team's tools.")
    settings: dict[str, Any] = Field(description="The JSON schema of a question's settings, with the team's own.")


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str = Field(description="One line.")
