"""Whatever a model writes, reading it quickly gives a value or a ParseError; rendered, it reads the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoact.core.errors import ParseError
from autoact.core.text import storable
from autoact.prompts.parse import (
    PairDraft,
    Pairs,
    PlanTurn,
    ReflectTurn,
    parse_input,
    parse_pairs,
    parse_plan,
    parse_tools,
    parse_verdict,
)
from autoact.prompts.render import plan_turn, reflect_turn

TOOLS = ("Search", "Retrieve", "web-search", "Finish")
PARSERS: dict[str, Callable[[str], Any]] = {
    "plan": lambda text: parse_plan(text, TOOLS),
    "input": parse_input,
    "verdict": parse_verdict,
    "pairs": parse_pairs,
    "tools": lambda text: parse_tools(text, TOOLS, 2),
}

ANY_TEXT = st.text(st.characters(exclude_categories=[]))
LABELS = [
    "Thought",
    "Action",
    "Verdict",
    "Question",
    "Context",
    "Caption",
    "Ocr",
    "Choices",
    "Answer",
    "Observation",
]
LOOKALIKES = ["Queſtion", "Captıon", "Actİon"]
WORDS = [
    "Search",
    "Finish",
    "Reflect",
    "right",
    "wrong",
    "<think>",
    "</think>",
    "(A) ",
    "(B) ",
    "(Z) ",
    ":",
    "- ",
    "1. ",
]
NEAR_MISS = st.lists(
    st.sampled_from([f"{label}: " for label in LABELS + LOOKALIKES])
    | st.sampled_from(LABELS + WORDS)
    | st.sampled_from(["\n", " ", "\t", "\r", "\x0b", "\x85", "\u2028", "\ud800", "{", "}"])
    | st.text(max_size=4),
    max_size=24,
).map("".join)
MODEL_TEXT = ANY_TEXT | NEAR_MISS


@settings(max_examples=10_000)
@given(MODEL_TEXT)
@example("Question: a\nQueſtion: b\nAnswer: c")
def test_any_text_a_model_can_emit_gives_a_value_or_a_parse_error(text: str) -> None:
    for parse in PARSERS.values():
        with suppress(ParseError):
            parse(text)


@settings(max_examples=1_000)
@given(NEAR_MISS, st.sampled_from([(), TOOLS]))
def test_a_plan_that_was_read_is_read_again_the_same(text: str, tools: tuple[str, ...]) -> None:
    with suppress(ParseError):
        turn = parse_plan(text + "\nAction: search", tools)
        assert parse_plan(plan_turn(turn.thought, turn.tool).text, tools) == turn


@settings(max_examples=1_000)
@given(NEAR_MISS, st.sampled_from(["right", "wrong"]))
def test_a_verdict_that_was_read_is_read_again_the_same(text: str, verdict: str) -> None:
    with suppress(ParseError):
        turn = parse_verdict(f"{text}\nVerdict: {verdict}")
        assert parse_verdict(reflect_turn(turn.thought, turn.verdict).text) == turn


@given(ANY_TEXT)
def test_an_input_that_was_read_is_read_again_the_same(text: str) -> None:
    said = parse_input("Input: " + text)
    assert said == storable("Input: " + text).strip()
    assert parse_input(said) == said


N = 100_000
PATHOLOGICAL = {
    "thoughts": "Thought" * (N // 7),
    "thought lines": "Thought:\n" * (N // 9),
    "actions": "Action" * (N // 6),
    "action lines": "Action:\n" * (N // 8),
    "verdicts": "Verdict: right wrong " * (N // 21),
    "thinking": "<think>" * (N // 7),
    "unthinking": "</think>" * (N // 8),
    "line breaks": "\n" * N + "x",
    "spaces": " " * N + "x",
    "indented lines": (" " * 100 + "\n") * (N // 101) + "x",
    "spaces after a keyword": "x\nAction" + " " * N + "x",
    "options": "Question: q\nChoices: " + "(A) " * (N // 4) + "\nAnswer: a",
    "a wide option": "Question: q\nChoices: (A)" + " " * N + "x\nAnswer: a",
    "questions": "Question: q\n" * (N // 12),
    "pairs": "Question: q\nAnswer: a\n" * (N // 23),
    "one word": "x" * N,
    "hyphens": "a-" * (N // 2),
    "lines of hyphens": "a-a\n" * (N // 4),
}


@pytest.mark.parametrize("text", PATHOLOGICAL.values(), ids=PATHOLOGICAL)
@pytest.mark.parametrize("parser", PARSERS)
def test_a_hundred_kilobytes_of_the_worst_are_read_within_a_second(parser: str, text: str) -> None:
    began = time.process_time()
    with suppress(ParseError):
        PARSERS[parser](text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "text",
    [
        "f(x)[0] {y}",
        "[1, 2]",
        '{"a": "]"}',
        "first\nsecond\n\nthird",
        "Peru\nObservation: Peru is a planet.\nAction: Finish",
        "Thought: x\nVerdict: right",
        "Ünïcödé 日本語 עברית العربية 🙂",
        "x" * N,
        "a\n" * (N // 2) + "b",
    ],
)
def test_an_input_is_kept_as_it_was_written(text: str) -> None:
    began = time.process_time()
    assert parse_input(f"  {text}\n") == text
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("Thought: I open Lima.\nAction: Retrieve", PlanTurn("I open Lima.", "Retrieve")),
        ("thought:I open.\naction:retrieve", PlanTurn("I open.", "Retrieve")),
        ("  Thought :  a\n\n  Action : **Search**(Lima)", PlanTurn("a", "Search")),
        ("I open.\nAction: Search", PlanTurn("I open.", "Search")),
        ("Action: Search", PlanTurn("", "Search")),
        ("Thought: a\nb\nAction: Search\nObservation: c\nAction: Finish", PlanTurn("a\nb", "Search")),
        ("Sure!\nThought: a\nAction: Search", PlanTurn("a", "Search")),
        ("hm\nAction: Finish</think>\nThought: a\nAction: Search", PlanTurn("a", "Search")),
        ("<think>a</think><think>b</think>Thought: a\nAction: Search", PlanTurn("a", "Search")),
        ("Thought: a <think>b</think> c\nAction: Search", PlanTurn("a <think>b</think> c", "Search")),
        ("<think>hm\nAction: Finish</think>\nThought: a\nAction: Search", PlanTurn("a", "Search")),
        ("Thought: a\nAction: Fly to Lima", PlanTurn("a", "Fly")),
        ("Thought: a\nAction: Web-Search", PlanTurn("a", "web-search")),
        ("Thought: a\nAction: Search - for Lima", PlanTurn("a", "Search")),
        ("Thought: a\nAction: Поиск", PlanTurn("a", "Поиск")),
    ],
)
def test_a_plan_is_its_thought_and_its_first_action(text: str, turn: PlanTurn) -> None:
    assert parse_plan(text, TOOLS) == turn


@pytest.mark.parametrize("text", ["", "Thought: a", "Action:", "Action: 5!", "the Action: Search", "Action\nSearch"])
def test_a_plan_without_an_action_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError, match="no line 'Action:'"):
        parse_plan(text, TOOLS)


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("Thought: It says so.\nVerdict: right", ReflectTurn("It says so.", "right")),
        ("verdict: WRONG.", ReflectTurn("", "wrong")),
        ("Thought: all right\nVerdict: wrong, wrong", ReflectTurn("all right", "wrong")),
        ("It is right.\nVerdict: It is right!\nVerdict: wrong", ReflectTurn("It is right.", "right")),
    ],
)
def test_a_verdict_is_its_thought_and_right_or_wrong(text: str, turn: ReflectTurn) -> None:
    assert parse_verdict(text) == turn


@pytest.mark.parametrize(
    "text", ["", "right", "Verdict:", "Verdict: right or wrong", "Verdict: wrongly", "Verdict: yes"]
)
def test_a_verdict_that_is_none_or_both_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError, match="no line 'Verdict:'"):
        parse_verdict(text)


def test_pairs_are_read_in_order_with_what_comes_beside_them() -> None:
    text = """Here you go.
Context: Ice melts.
Question: What is ice?
Choices: (A) gas (B) solid
Answer: B

Question: What is 1 + 1
in words?
Answer: two
Good luck!"""
    ice = PairDraft("What is ice?", "B", ("gas", "solid"), "Ice melts.")
    assert parse_pairs(text) == Pairs((ice, PairDraft("What is 1 + 1\nin words?", "two")))


@pytest.mark.parametrize(
    ("text", "kept", "malformed"),
    [
        ("", 0, 0),
        ("no pair at all", 0, 0),
        ("Question: q", 0, 1),
        ("Answer: a", 0, 1),
        ("Question: \nAnswer: a", 0, 1),
        ("Question: q\nAnswer: \n", 0, 1),
        ("Question: q\nQuestion: r\nAnswer: a", 1, 1),
        ("Question: q\nChoices: (A) one\nAnswer: A", 0, 1),
        ("Question: q\nChoices: (B) one (A) two\nAnswer: A", 0, 1),
        ("Question: q\nChoices: one, two\nAnswer: one", 0, 1),
        ("Question: q\nAnswer: a\nAnswer: b", 1, 1),
        ("<think>Question: x\nAnswer: y</think>Question: q\nAnswer: a", 1, 0),
    ],
)
def test_pairs_that_are_malformed_are_counted(text: str, kept: int, malformed: int) -> None:
    pairs = parse_pairs(text)
    assert (len(pairs.drafts), len(pairs.malformed)) == (kept, malformed)


def test_what_is_malformed_is_kept_with_the_reason() -> None:
    pairs = parse_pairs("Question: q\nChoices: one, two\nAnswer: one\nQuestion: r")
    assert [bad.text for bad in pairs.malformed] == ["Question: q\nChoices: one, two\nAnswer: one", "Question: r"]
    assert [bad.reason[:9] for bad in pairs.malformed] == ["choices m", "a pair ne"]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Search\nRetrieve", ("Search", "Retrieve")),
        ("1. retrieve\n2. SEARCH", ("Retrieve", "Search")),
        ("- **Search**: finds pages\nSearch again", ("Search",)),
        ("I choose:\nSearch", ("Search",)),
        ("* web-search", ("web-search",)),
    ],
)
def test_tools_are_the_names_that_lines_begin_with(text: str, chosen: tuple[str, ...]) -> None:
    assert parse_tools(text, TOOLS, 2) == chosen


@pytest.mark.parametrize(("text", "count"), [("", 0), ("none", 0), ("Search\nRetrieve\nFinish", 3)])
def test_no_tool_or_too_many_is_a_parse_error(text: str, count: int) -> None:
    with pytest.raises(ParseError, match=f"^{count} tools were named, between 1 and 2 are wanted"):
        parse_tools(text, TOOLS, 2)
