"""A question that was learned from is found wherever it was: examples, questions, demonstrations, training data."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.contamination import plain_words
from autoact.core.errors import RunError
from autoact.core.records import Demonstration, Example, Message, Preference, QAPair, Question, Step, ToolCard, to_json
from autoact.core.store import Store, write_json
from autoact.eval.benchmark import Benchmark, load_benchmark
from autoact.eval.contamination import (
    Contamination,
    Learned,
    contaminated,
    learned_from,
    refuse_contaminated,
    unchecked,
)
from autoact.eval.evaluate import Options, prepare
from autoact.eval.methods import METHODS
from autoact.graph.run_folder import RunFolder
from autoact.prompts.react import react_chat
from autoact.prompts.render import Brief, Turn, conversation, question_text

BRIEF = Brief("Answer.", (ToolCard("Retrieve", "opens", "title"), ToolCard("Finish", "ends", "answer")))
STEPS = (Step("I look.", "Retrieve", "Cuba", "Question: What is the capital of Peru?"), Step("So.", "Finish", "Havana"))
CUBA = Question("what is THE capital of  Cuba")
ELSE = Question("What is the capital of Oman?")


def trained(path: Path, turns: Sequence[Turn]) -> None:
    messages = tuple(Message(turn.role, turn.text) for turn in turns)
    path.parent.mkdir(parents=True, exist_ok=True)
    Store(path, Example).append(Example("q0/0", "plan", messages))


def found(run: RunFolder, *shots: Demonstration) -> Contamination:
    return contaminated(load_benchmark("toy", run.task), learned_from(run, shots))


def test_a_run_that_learned_from_others_is_clean(run: RunFolder) -> None:
    assert found(run) == Contamination((), {})
    refuse_contaminated(load_benchmark("toy", run.task), found(run))


def test_the_synthetic_questions_and_the_demonstrations_are_searched(run: RunFolder) -> None:
    Store(run.path / "questions.jsonl", QAPair).append(QAPair("q1", "What is the river of Chad", "Chari"))
    assert found(run, Demonstration(CUBA, "Havana", STEPS)) == Contamination(
        ("cuba", "chad"), {"the demonstrations": ("cuba",), "the synthetic questions": ("chad",)}
    )


def test_the_tasks_examples_are_searched(run: RunFolder) -> None:
    examples = ({"question": "What's new?", "answer": "a"}, {"question": CUBA.question, "answer": "Havana"})
    task = run.task.model_copy(update={"examples": examples})
    learned = learned_from(RunFolder(run.path, task, run.team))
    assert contaminated(load_benchmark("toy", task), learned).sources == {"the task's examples": ("cuba",)}


def test_what_adapters_were_trained_on_is_searched_by_the_question_and_not_by_what_tools_said(run: RunFolder) -> None:
    trained(run.path / "rounds/00/plan.jsonl", conversation(BRIEF, CUBA, STEPS))
    trained(run.path / "teams/fireact/all.jsonl", react_chat(BRIEF, CUBA, STEPS))
    assert found(run).sources == {"rounds/00/plan.jsonl": ("cuba",), "teams/fireact/all.jsonl": ("cuba",)}


def test_every_round_and_its_preferences_are_searched(run: RunFolder) -> None:
    trained(run.path / "rounds/02/tool.jsonl", conversation(BRIEF, CUBA, STEPS))
    turns = tuple(Message(turn.role, turn.text) for turn in conversation(BRIEF, Question("what is RIVER of Chad"), ()))
    preferences = Store(run.path / "rounds/01/plan.pairs.jsonl", Preference)
    preferences.append(Preference("q0/0#1", "plan", turns, "Thought: a", "Thought: b"))
    assert found(run).sources == {"rounds/01/plan.pairs.jsonl": ("chad",), "rounds/02/tool.jsonl": ("cuba",)}


def test_one_question_over_other_choices_is_another() -> None:
    pairs = (QAPair("x", "Which?", "gas", ("gas", "solid")), QAPair("y", "Which?", "ice", ("ice", "fire")))
    learned = [Learned("a file", Question("which", ("solid", "gas")))]
    assert contaminated(Benchmark("b", "", pairs, ""), learned).ids == ("x",)


def test_refusing_says_how_many_come_from_where(run: RunFolder) -> None:
    benchmark = load_benchmark("toy", run.task)
    counts = Contamination(
        ("peru", "cuba"), {"the task's examples": ("peru",), "rounds/00/plan.jsonl": ("peru", "cuba")}
    )
    says = r"2 of 3 .* were learned from \(1 in the task's examples, 2 in rounds/00/plan.jsonl\), such as peru: 'What"
    with pytest.raises(RunError, match=says):
        refuse_contaminated(benchmark, counts)


def test_training_data_that_was_broken_is_named(run: RunFolder) -> None:
    path = run.path / "rounds" / "00" / "tool.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"messages": []}\n{"id": "x"}\n', "utf-8")
    with pytest.raises(RunError, match=r"tool\.jsonl line 2 is no training example"):
        found(run)


WORDS = st.text(string.ascii_letters + "0123456789 ()?.:\n", min_size=1).filter(plain_words)
LABELLED = st.tuples(WORDS, st.sampled_from(["", "\nQuestion: x", "\nContext: y", "\nChoices: (A) z"])).map("".join)
ASKED = st.builds(
    QAPair,
    id=st.just("x"),
    question=LABELLED,
    answer=st.just("a"),
    choices=st.lists(LABELLED, max_size=4).map(tuple),
    context=LABELLED | st.just(""),
    caption=LABELLED | st.just(""),
    ocr=LABELLED | st.just(""),
)


@given(ASKED, st.randoms())
def test_a_question_is_found_in_its_prompt_whatever_lines_it_holds(pair: QAPair, random: Random) -> None:
    shuffled = replace(pair.shown(), choices=tuple(random.sample(pair.choices, len(pair.choices))))
    turn = question_text(shuffled).upper().replace("QUESTION: ", "Question: ")
    assert contaminated(Benchmark("b", "", (pair,), ""), [Learned("a file", turn)]).ids == ("x",)


@pytest.mark.parametrize(
    "turn",
    [
        "Observation: What is north of Lima, the sea or a desert?",
        "Question: What is the sea north of, Lima or a desert?",
        "Question: What is north of Lima, the sea or a desert?\nChoices: (A) sea (B) desert",
        "Question: Is this so: What is north of Lima, the sea or a desert?",
    ],
)
def test_the_same_words_otherwise_are_another_question(turn: str) -> None:
    pairs = (QAPair("x", "What is north of Lima, the sea or a desert?", "sea"),)
    assert contaminated(Benchmark("b", "", pairs, ""), [Learned("a file", turn)]).ids == ()


def test_an_open_question_is_found_whatever_was_shown_with_it() -> None:
    pairs = (QAPair("x", "Where is it?", "here", context="A map."),)
    learned = [Learned("a file", "Context: Another.\nQuestion: Where is it?")]
    assert contaminated(Benchmark("b", "", pairs, ""), learned).ids == ("x",)


def test_a_torn_last_line_of_training_data_is_dropped(run: RunFolder) -> None:
    path = run.path / "rounds/00/plan.jsonl"
    trained(path, conversation(BRIEF, CUBA, STEPS))
    path.write_bytes(path.read_bytes() + b'{"id": "q1/0", "mess')
    assert found(run).ids == ("cuba",)


def test_adapters_without_their_training_data_are_named(run: RunFolder) -> None:
    team = replace(run.team, adapters={"plan": "adapters/plan-26b0", "tool": "adapters/tool-77aa"})
    write_json(run.path / "teams/fireact/team.json", to_json(replace(team, adapters={"plan": "adapters/fireact-1c"})))
    learned = RunFolder(run.path, run.task, team)
    trained(run.path / "rounds/00/plan.jsonl", conversation(BRIEF, ELSE, STEPS))
    says = "the training data of fireact-1c, tool-77aa is not here, so it was not checked"
    assert unchecked(learned) == (says,)
    assert prepare(learned, load_benchmark("toy", run.task), METHODS[:1], Options()).benchmark.notes == (says,)
    trained(run.path / "rounds/00/tool.jsonl", conversation(BRIEF, ELSE, STEPS))
    trained(run.path / "teams/fireact/fireact.jsonl", react_chat(BRIEF, ELSE, STEPS))
    assert unchecked(learned) == ()
