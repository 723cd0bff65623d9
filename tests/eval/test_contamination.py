"""A question that was learned from is found wherever it was: examples, questions, demonstrations, training data."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.contamination import question_key
from autoact.core.errors import RunError
from autoact.core.records import Demonstration, Example, Message, QAPair, Question, Step, ToolCard
from autoact.core.store import Store
from autoact.eval.benchmark import Benchmark, load_benchmark
from autoact.eval.contamination import Contamination, Learned, asked_in, contaminated, learned_from, refuse_contaminated
from autoact.graph.run_folder import RunFolder
from autoact.prompts.react import react_chat
from autoact.prompts.render import Brief, Turn, conversation, question_text

BRIEF = Brief("Answer.", (ToolCard("Retrieve", "opens", "title"), ToolCard("Finish", "ends", "answer")))
STEPS = (Step("I look.", "Retrieve", "Cuba", "Question: What is the capital of Peru?"), Step("So.", "Finish", "Havana"))
CUBA = Question("what is THE capital of  Cuba")


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


WORDS = st.text(string.ascii_letters + "0123456789 ()?.\n", min_size=1).filter(str.strip)
ASKED = st.builds(
    Question,
    question=WORDS,
    choices=st.lists(WORDS, max_size=4).map(tuple),
    context=WORDS | st.just(""),
    caption=WORDS | st.just(""),
    ocr=WORDS | st.just(""),
)


@given(ASKED)
def test_a_question_is_read_back_from_its_prompt(asked: Question) -> None:
    back = asked_in(question_text(asked))
    assert back
    assert question_key(back) == question_key(asked)


def test_a_turn_that_asks_nothing_is_no_question() -> None:
    assert asked_in("Observation: Lima") is None
