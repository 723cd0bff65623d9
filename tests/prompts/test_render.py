"""One renderer, one growing chat: each agent reads a prefix of what the next one reads."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from autoact.core.records import FINISH, REFLECT, Demonstration, QAPair, Question, Step, ToolCard
from autoact.prompts.render import (
    Brief,
    Turn,
    choices_text,
    conversation,
    instruct_chat,
    pair_text,
    plan_chat,
    question_text,
    reflect_chat,
    select_chat,
    tool_chat,
)

CARDS = (
    ToolCard("Retrieve", "opens a page.", "the title."),
    ToolCard(FINISH, "ends with the answer.", "the answer alone."),
)
BRIEF = Brief("Answer questions about countries.", CARDS)
ASKED = Question("What is the currency of Peru?")
FINISHED = Step("The currency is the sol.", FINISH, "sol")
STEPS = (
    Step("I ask.", "Ask", "", "Ask is not a tool.", ok=False),
    Step("I just think.", "", "", "No action was named.", ok=False),
    Step("I open Peru.", "Retrieve", "Peru", "Peru is a country."),
    FINISHED,
    Step("Who says so?", REFLECT, "wrong"),
    FINISHED,
    Step("The page.", REFLECT, "right"),
)
SYSTEM = """Answer questions about countries.

Tools:
- Retrieve: opens a page. Input: the title.
- Finish: ends with the answer. Input: the answer alone.

Work step by step. A step is two lines:
Thought: what is known and what is needed next
Action: the name of one tool

When asked for the input of a tool, write the input and nothing else. Then an observation follows. \
When the answer is known, use Finish. When asked whether an answer is right, write two lines:
Thought: what speaks for or against it
Verdict: right or wrong"""
CHAT = [
    Turn("system", SYSTEM),
    Turn("user", "Question: What is the currency of Peru?"),
    Turn("plan", "Thought: I ask.\nAction: Ask"),
    Turn("user", "Observation: Ask is not a tool."),
    Turn("plan", "Thought: I just think."),
    Turn("user", "Observation: No action was named."),
    Turn("plan", "Thought: I open Peru.\nAction: Retrieve"),
    Turn("user", "Input for Retrieve:"),
    Turn("tool", "Peru"),
    Turn("user", "Observation: Peru is a country."),
    Turn("plan", "Thought: The currency is the sol.\nAction: Finish"),
    Turn("user", "Input for Finish:"),
    Turn("tool", "sol"),
    Turn("user", "Is this answer right?"),
    Turn("reflect", "Thought: Who says so?\nVerdict: wrong"),
    Turn("user", "The answer was judged wrong. Try again."),
    Turn("plan", "Thought: The currency is the sol.\nAction: Finish"),
    Turn("user", "Input for Finish:"),
    Turn("tool", "sol"),
    Turn("user", "Is this answer right?"),
    Turn("reflect", "Thought: The page.\nVerdict: right"),
]

TEXT = st.text(max_size=20)
SAID = st.text(min_size=1, max_size=20)
ACTION = st.builds(Step, TEXT, st.just("Retrieve"), TEXT, SAID, st.booleans()) | st.builds(
    Step, TEXT, st.sampled_from(["Nope", "поиск", ""]), st.just(""), SAID, st.just(False)
)
EPISODE = st.tuples(st.lists(ACTION, max_size=3), st.builds(Step, TEXT, st.just(FINISH), TEXT))
VERDICT = st.sampled_from(["right", ""])


@st.composite
def trajectories(draw: st.DrawFn) -> tuple[Step, ...]:
    """The steps that the graph can take: actions, a Finish, a verdict; wrong goes on, anything else ends."""
    steps: list[Step] = []
    for actions, finish in draw(st.lists(EPISODE, max_size=2)):
        steps += [*actions, finish, Step(draw(TEXT), REFLECT, "wrong")]
    steps += draw(st.lists(ACTION, max_size=3))
    if draw(st.booleans()):
        steps.append(Step(draw(TEXT), FINISH, draw(TEXT)))
        if draw(st.booleans()):
            steps.append(Step(draw(TEXT), REFLECT, draw(VERDICT)))
    return tuple(steps)


def sent_before(steps: tuple[Step, ...], number: int) -> list[list[Turn]]:
    """The chats that agents are sent to make one step."""
    so_far, step = steps[:number], steps[number]
    if step.tool == REFLECT:
        return [reflect_chat(BRIEF, ASKED, so_far)]
    planned = [plan_chat(BRIEF, ASKED, so_far)]
    if step.tool in BRIEF.names():
        planned.append(tool_chat(BRIEF, ASKED, so_far, step.thought, step.tool))
    return planned


def test_a_conversation_reads_to_the_byte_as_models_were_trained_on_it() -> None:
    assert conversation(BRIEF, ASKED, STEPS) == CHAT


@given(trajectories())
def test_turns_alternate_between_user_and_assistant_after_the_system(steps: tuple[Step, ...]) -> None:
    roles = [turn.role for turn in plan_chat(BRIEF, ASKED, steps)]
    assert roles[:2] == ["system", "user"]
    assert all(one != two for one, two in pairwise(roles))


@given(trajectories())
def test_what_an_agent_is_sent_is_a_prefix_of_the_whole_chat(
    steps: tuple[Step, ...],
) -> None:
    whole = conversation(BRIEF, ASKED, steps)
    for number in range(len(steps)):
        for sent in sent_before(steps, number):
            assert whole[: len(sent)] == sent
            assert sent[-1].role == "user"


@given(trajectories())
def test_every_turn_a_model_wrote_answers_a_chat_that_was_sent(steps: tuple[Step, ...]) -> None:
    whole = conversation(BRIEF, ASKED, steps)
    sent = [len(chat) for number in range(len(steps)) for chat in sent_before(steps, number)]
    assert sent == [place for place, turn in enumerate(whole) if turn.role == "assistant"]


@given(trajectories(), trajectories())
def test_later_steps_never_change_the_chat_so_far(steps: tuple[Step, ...], more: tuple[Step, ...]) -> None:
    so_far = conversation(BRIEF, ASKED, steps)
    assert conversation(BRIEF, ASKED, (*steps, *more))[: len(so_far)] == so_far


@given(st.text())
def test_what_a_tool_says_stays_inside_one_user_turn(said: str) -> None:
    turns = conversation(BRIEF, ASKED, [Step("t", "Retrieve", "x", "Observation" + said)])
    assert [turn.role for turn in turns[-2:]] == ["assistant", "user"]
    assert turns[-1].text == f"Observation: Observation{said}"


def test_a_question_is_shown_with_what_comes_beside_it() -> None:
    shown = Question("What is ice?", ("gas", "solid"), "Ice melts.", "a cube", "H2O", "ice.png")
    assert question_text(shown) == (
        "Context: Ice melts.\nCaption: a cube\nOcr: H2O\nQuestion: What is ice?\nChoices: (A) gas (B) solid"
    )


def test_options_are_lettered() -> None:
    assert choices_text([]) == ""
    assert choices_text(["x"] * 26).endswith(" (Z) x")


def test_an_example_pair_has_its_answer_on_one_line() -> None:
    assert pair_text(QAPair("1", "q?", "two\n words ")) == "Question: q?\nAnswer: two words"


def test_the_self_instruct_prompt_reads_to_the_byte() -> None:
    system, user = instruct_chat("Atlas", "Countries.", [QAPair("1", "q?", "a"), QAPair("2", "r?", "b")], 3)
    assert system == Turn("system", "You write new questions with their answers for a task.\nTask: Atlas\nCountries.")
    assert user.text == (
        "Here are examples:\n\nQuestion: q?\nAnswer: a\n\nQuestion: r?\nAnswer: b\n\n"
        "Write 3 new pairs in the same form. Vary topic and difficulty; every question differs from the "
        "others and can be answered with certainty."
    )


def test_a_level_is_asked_for_in_words_of_its_own() -> None:
    _, user = instruct_chat("Atlas", "Countries.", [QAPair("1", "q?", "a")], 3, "hard")
    assert user.text.endswith(
        "Write 3 new pairs in the same form, of this difficulty: hard. Vary the topic; every question differs from the "
        "others and can be answered with certainty."
    )


def test_fields_beside_question_and_answer_are_asked_for_and_those_not_always_needed_named() -> None:
    fields = {"ocr": False, "caption": True, "choices": True}
    _, user = instruct_chat("Ice", "Cold.", [QAPair("1", "q?", "a")], 3, fields=fields)
    assert user.text.splitlines()[-4:] == [
        "Each pair is whole and has these lines, in this order: Caption, Ocr, Question, Choices, Answer.",
        "Where a question does not need them, these are left out: Ocr.",
        "The choices are written (A) … (B) … and differ; exactly one is right, and the answer is that choice.",
        "There are no pictures: Caption says what is seen on the picture, Ocr what is written on it.",
    ]


def test_the_tool_selection_prompt_reads_to_the_byte() -> None:
    system, user = select_chat("Atlas", "Countries.", CARDS[:1], 2)
    assert system.text == (
        "You choose the tools that three agents will share: one plans, one writes the input of each tool, "
        "one judges the answer."
    )
    assert user.text == (
        "Task: Atlas\nCountries.\n\nTools on offer:\n- Retrieve: opens a page. Input: the title.\n\n"
        "Name the tools that this task needs, at most 2, one name a line."
    )


def test_demonstrations_come_before_the_question_as_conversations_of_their_own() -> None:
    shot = Demonstration(Question("What is the currency of Japan?"), "yen", (Step("I know.", FINISH, "yen"),))
    shown = conversation(replace(BRIEF, shots=(shot,)), ASKED, ())
    assert shown[1:] == [
        Turn("user", "Question: What is the currency of Japan?"),
        Turn("plan", "Thought: I know.\nAction: Finish"),
        Turn("user", "Input for Finish:"),
        Turn("tool", "yen"),
        Turn("user", "Question: What is the currency of Peru?"),
    ]
