"""The one renderer: a task, its tools, a question and the steps so far become ONE growing chat.

    system     description, tools, the form of a turn
    user       Question: What is the currency of Peru?
    plan   →   Thought: I open Peru.⏎Action: Retrieve
    user       Input for Retrieve:
    tool   →   Peru
    user       Observation: Peru is a country in South America.
    …
    plan   →   Thought: The currency is the sol.⏎Action: Finish
    user       Input for Finish:
    tool   →   sol
    user       Is this answer right?
    reflect→   Thought: The page says so.⏎Verdict: right

Synthesis, training and group planning all read this chat; each agent only ever adds a turn to it, so what an
agent is trained on is byte for byte what it is sent at run time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from autoact.core.records import REFLECT, ROLES, Demonstration, QAPair, Question, Step, ToolCard
from autoact.prompts.template import fill

Speaker = Literal["system", "user", "plan", "tool", "reflect"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the chat; plan, tool and reflect are the model's, system and user are ours."""

    speaker: Speaker
    text: str

    @property
    def role(self) -> str:
        """The chat role: system, user or assistant."""
        return "assistant" if self.speaker in ROLES else self.speaker


@dataclass(frozen=True, slots=True)
class Brief:
    """What stays the same over all questions of a task: its description and the selected tools.

    `wording` has texts that stand in for templates, by the template's name; `shots` are shown before the question.
    """

    description: str
    tools: tuple[ToolCard, ...]
    wording: Mapping[str, str] = field(default_factory=dict)
    shots: tuple[Demonstration, ...] = ()

    def say(self, name: str, /, **values: object) -> str:
        """A template in this brief's words."""
        return fill(name, self.wording.get(name, ""), **values)

    def names(self) -> tuple[str, ...]:
        """The names of the tools, Finish among them."""
        return tuple(card.name for card in self.tools)


def plan_chat(brief: Brief, question: Question, steps: Sequence[Step]) -> list[Turn]:
    """The chat as the PLAN-AGENT is sent it: everything so far."""
    turns = conversation(brief, question, steps)
    return [*turns, Turn("user", brief.say("retry"))] if steps and steps[-1].tool == REFLECT else turns


def tool_chat(brief: Brief, question: Question, steps: Sequence[Step], thought: str, tool: str) -> list[Turn]:
    """The chat as the TOOL-AGENT is sent it: the plan's turn, then the request for the tool's input."""
    return [
        *plan_chat(brief, question, steps),
        plan_turn(thought, tool),
        Turn("user", brief.say("input", tool=tool)),
    ]


def reflect_chat(brief: Brief, question: Question, steps: Sequence[Step]) -> list[Turn]:
    """The chat as the REFLECT-AGENT is sent it: all up to a Finish, then the question whether it is right."""
    return [*conversation(brief, question, steps), Turn("user", brief.say("reflect"))]


def conversation(brief: Brief, question: Question, steps: Sequence[Step]) -> list[Turn]:
    """The whole chat of a task, its demonstrations, a question and the steps taken."""
    shown = [turn for shot in brief.shots for turn in _played(brief, shot.question, shot.steps)]
    return [Turn("system", system_text(brief)), *shown, *_played(brief, question, steps)]


def _played(brief: Brief, question: Question, steps: Sequence[Step]) -> Iterator[Turn]:
    yield Turn("user", question_text(question))
    for number, step in enumerate(steps):
        if step.tool == REFLECT:
            yield Turn("user", brief.say("reflect"))
            yield reflect_turn(step.thought, step.argument)
            continue
        if number and steps[number - 1].tool == REFLECT:
            yield Turn("user", brief.say("retry"))
        yield from _action_turns(brief, step)


def _action_turns(brief: Brief, step: Step) -> Iterator[Turn]:
    yield plan_turn(step.thought, step.tool)
    if step.tool in brief.names():
        yield Turn("user", brief.say("input", tool=step.tool))
        yield Turn("tool", step.argument)
    if step.observation:
        yield Turn("user", fill("observation", observation=step.observation))


def plan_turn(thought: str, tool: str) -> Turn:
    """The PLAN-AGENT's turn; one that named no action at all is kept as a thought."""
    if not tool:
        return Turn("plan", fill("malformed_turn", thought=thought))
    return Turn("plan", fill("plan_turn", thought=thought, tool=tool))


def reflect_turn(thought: str, verdict: str) -> Turn:
    """The REFLECT-AGENT's turn."""
    return Turn("reflect", fill("reflect_turn", thought=thought, verdict=verdict))


def system_text(brief: Brief) -> str:
    """The system turn: what the task is, which tools there are, what a turn looks like."""
    return brief.say("system", description=brief.description, tools=tools_text(brief.tools))


def tools_text(cards: Sequence[ToolCard]) -> str:
    """The tools, one a line: name, definition, usage (the fields of paper Tables 7 and 8)."""
    return "\n".join(fill("tool", name=c.name, definition=c.definition, usage=c.usage) for c in cards)


def question_text(shown: Question) -> str:
    """A question and what comes with it, one labelled field a line."""
    fields = {
        "Context": shown.context,
        "Caption": shown.caption,
        "Ocr": shown.ocr,
        "Question": shown.question,
        "Choices": choices_text(shown.choices),
    }
    return "\n".join(f"{label}: {value}" for label, value in fields.items() if value)


def choices_text(choices: Sequence[str]) -> str:
    """Options as `(A) gas (B) solid`."""
    return " ".join(f"({chr(ord('A') + i)}) {choice}" for i, choice in enumerate(choices))


def pair_text(pair: QAPair) -> str:
    """A question with its answer, in the form self-instruct asks for; each field is put on one line."""
    shown = pair.shown()
    flat = Question(
        _line(shown.question),
        tuple(map(_line, shown.choices)),
        _line(shown.context),
        _line(shown.caption),
        _line(shown.ocr),
    )
    return f"{question_text(flat)}\nAnswer: {_line(pair.answer)}"


def _line(text: str) -> str:
    return " ".join(text.split())


def instruct_chat(
    name: str,
    description: str,
    examples: Sequence[QAPair],
    count: int,
    level: str = "",
    fields: Mapping[str, bool] | None = None,
) -> list[Turn]:
    """The self-instruct prompt (paper Table 6): task, examples, how many new pairs to write.

    `level` is the difficulty they should have. `fields` says what belongs to a pair beside question and answer –
    context, caption, ocr, choices – and whether every pair needs it.
    """
    shown = "\n\n".join(pair_text(pair) for pair in examples)
    if level:
        asked = fill("instruct_level", examples=shown, count=count, level=level)
    else:
        asked = fill("instruct", examples=shown, count=count)
    return [
        Turn("system", fill("instruct_system", name=name, description=description)),
        Turn("user", "\n".join([asked, *_form_lines(fields or {})])),
    ]


def _form_lines(fields: Mapping[str, bool]) -> Iterator[str]:
    """What is asked of the form of pairs that are more than a question and an answer."""
    if not fields:
        return
    wanted = {"question": True, "answer": True, **fields}
    order = ("context", "caption", "ocr", "question", "choices", "answer")
    labels = [label.title() for label in order if label in wanted]
    yield fill("instruct_fields", labels=", ".join(labels))
    if optional := [label.title() for label in order if not wanted.get(label, True)]:
        yield fill("instruct_optional", labels=", ".join(optional))
    if "choices" in fields:
        yield fill("instruct_choices")
    if "caption" in fields or "ocr" in fields:
        yield fill("instruct_picture")


def select_chat(name: str, description: str, cards: Sequence[ToolCard], count: int) -> list[Turn]:
    """The tool selection prompt (paper Table 7), with name, definition and usage of each tool on offer."""
    tools = tools_text(cards)
    return [
        Turn("system", fill("select_system")),
        Turn("user", fill("select", name=name, description=description, tools=tools, count=count)),
    ]


def reason_chat(name: str, description: str, cards: Sequence[ToolCard], count: int, reply: str) -> list[Turn]:
    """The tool selection prompt, the reply to it, and the question why."""
    asked = select_chat(name, description, cards, count)
    return [*asked, Turn("plan", reply), Turn("user", fill("select_reason"))]
