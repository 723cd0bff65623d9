"""Self-instruct in rounds: what is asked, what is kept, what is dropped and why, when it ends, how it goes on."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage

from autoact.core.budget import Meter
from autoact.core.errors import RunError
from autoact.core.learning import Budget
from autoact.core.progress import Silent
from autoact.core.records import QAPair
from autoact.core.store import Store
from autoact.core.task import Task, check_task
from autoact.models.scripted import ScriptedChatModel
from autoact.training.quota import answer_key
from autoact.training.self_instruct import Round, barred_questions, few_shots, levels_of, self_instruct, why_ended

EXAMPLES: list[dict[str, object]] = [
    {"question": f"What is the code of item X{n}?", "answer": f"code {n}"} for n in range(5)
]
CHOICES = ["gas", "solid", "liquid"]


def task(examples: Sequence[dict[str, object]] = EXAMPLES, folder: Path = Path(), **learning: object) -> Task:
    data = {
        "name": "Codes",
        "description": "Say an item's code.",
        "model": "openai:meta",
        "tools": ["Open"],
        "examples": list(examples),
        "learn": {"questions": 20, "prompts_per_round": 2, "pairs_per_prompt": 3, "workers": 2, **learning},
    }
    return check_task(data, folder / "task.yaml")


def writer(reply: Callable[[int], str]) -> ScriptedChatModel:
    """A model whose n-th reply is `reply(n)`."""
    turns = count(1)
    return ScriptedChatModel(replies=lambda _: reply(next(turns)))


def endless(number: int) -> str:
    """Three new pairs a reply."""
    return "\n\n".join(f"Question: What is the code of item {number}{c}?\nAnswer: code {number}{c}" for c in "ABC")


def written(run: Path) -> list[Round]:
    return list(Store(run / "instruct.jsonl", Round))


def one_round(reply: str, run: Path, made: Task, barred: Sequence[QAPair] = ()) -> Round:
    """What the first round makes of a reply."""
    first = made.model_copy(update={"learn": made.learn.model_copy(update={"max_rounds": 1, "prompts_per_round": 1})})
    with suppress(RunError):  # no question is kept
        self_instruct(first, writer(lambda _: reply), barred, run, Silent())
    return written(run)[0]


# ── rounds ──


def test_it_writes_as_many_questions_as_are_wanted_each_with_an_id(tmp_path: Path) -> None:
    questions = self_instruct(task(), writer(endless), (), tmp_path, Silent())
    assert len(questions) == len({pair.id for pair in questions}) == 20
    assert list(Store(tmp_path / "questions.jsonl", QAPair)) == questions
    assert {pair.origin for pair in questions} == {"synthetic"}


def test_a_run_cut_between_rounds_ends_like_one_that_was_not(tmp_path: Path) -> None:
    def by_prompt(messages: list[BaseMessage]) -> str:
        return endless(random.Random(str(messages[-1].text)).randrange(10**6))

    whole = self_instruct(task(), ScriptedChatModel(replies=by_prompt), (), tmp_path / "a", Silent())
    self_instruct(task(questions=7), ScriptedChatModel(replies=by_prompt), (), tmp_path / "b", Silent())
    lines = (tmp_path / "b" / "instruct.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "instruct.jsonl").write_text("".join(lines[:1]))
    assert self_instruct(task(), ScriptedChatModel(replies=by_prompt), (), tmp_path / "c", Silent()) == whole
    assert (tmp_path / "c" / "instruct.jsonl").read_bytes() == (tmp_path / "a" / "instruct.jsonl").read_bytes()


def test_what_is_finished_asks_nothing_more(tmp_path: Path) -> None:
    questions = self_instruct(task(), writer(endless), (), tmp_path, Silent())
    idle = ScriptedChatModel(replies=[])
    assert self_instruct(task(), idle, (), tmp_path, Silent()) == questions


def test_a_round_says_what_it_cost(tmp_path: Path) -> None:
    meter = Meter("self-instruct")
    self_instruct(task(), writer(endless), (), tmp_path, Silent(), meter)
    rounds = written(tmp_path)
    assert [done.usage["calls"] for done in rounds] == [2] * len(rounds)
    assert meter.spent.requests == 2 * len(rounds)
    assert meter.spent.tokens == sum(done.usage["input_tokens"] + done.usage["output_tokens"] for done in rounds)


def test_a_budget_ends_it_between_rounds_with_what_there_is(tmp_path: Path) -> None:
    meter = Meter("self-instruct", Budget(requests=3))
    assert len(self_instruct(task(), writer(endless), (), tmp_path, Silent(), meter)) == 12
    assert meter.stopped


def test_what_earlier_rounds_cost_counts_when_it_is_gone_on_with(tmp_path: Path) -> None:
    self_instruct(task(questions=6), writer(endless), (), tmp_path, Silent())
    meter = Meter("self-instruct", Budget(requests=2))
    assert len(self_instruct(task(), ScriptedChatModel(replies=[]), (), tmp_path, Silent(), meter)) == 6


def test_no_question_at_all_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"5 rounds brought no usable question; try a stronger model"):
        self_instruct(task(), writer(lambda _: "I would rather not."), (), tmp_path, Silent())
    meter = Meter("self-instruct", Budget(requests=1))
    with pytest.raises(RunError, match=r"the budget of 1 requests is spent; raise learn.budgets of self-instruct"):
        self_instruct(task(), writer(lambda _: "No."), (), tmp_path / "other", Silent(), meter)


# ── its end ──


def done(new: int, old: int) -> Round:
    return Round("0", tuple(QAPair(str(n), "q", "a") for n in range(new)), malformed=9, duplicate=old, excluded=0)


def test_it_ends_when_round_after_round_brings_too_little_that_is_new() -> None:
    config = task(questions=1000, stall_rounds=2, min_novelty=0.1).learn
    assert why_ended(config, [done(9, 91), done(9, 91)]) == "2 rounds in a row brought too little that is new"
    assert why_ended(config, [done(9, 91), done(10, 90)]) == ""
    assert why_ended(config, [done(9, 91)]) == ""


def test_without_a_least_share_it_ends_only_when_nothing_is_new() -> None:
    config = task(questions=1000, stall_rounds=2, min_novelty=0.0).learn
    assert why_ended(config, [done(1, 999), done(1, 999)]) == ""
    assert why_ended(config, [done(0, 5), done(0, 0)]) != ""


def test_it_ends_after_the_most_rounds() -> None:
    config = task(questions=1000, max_rounds=2).learn
    assert why_ended(config, [done(5, 0), done(5, 0)]) == "2 rounds are the most"


def test_that_it_ends_early_is_said(tmp_path: Path) -> None:
    said: list[str] = []

    class Heard(Silent):
        def say(self, line: str) -> None:
            said.append(line)

    self_instruct(task(), writer(lambda _: endless(1)), (), tmp_path, Heard())
    assert said == ["self-instruct ends with 3 of 20 questions: 5 rounds in a row brought too little that is new"]


# ── what is dropped ──


def test_every_draft_is_counted_once_under_the_first_that_it_fails(tmp_path: Path) -> None:
    reply = """
Question: What is the code of item X0?
Answer: code 0
Question: What is the code of item Y1?
Answer: code 1
Question: What is item Y1's code?
Answer: code 1
Question: What is the code of item Z?
Answer: code 9
Question: Half a pair
Question: What is item Y2?
Choices: (A) one (B) two
Answer: one"""
    barred = [QAPair("dev-1", "What is item Z's code?", "code 9")]
    found = one_round(reply, tmp_path, task(), barred)
    assert [pair.question for pair in found.pairs] == ["What is the code of item Y1?"]
    assert (found.malformed, found.duplicate, found.near_duplicate, found.excluded) == (2, 1, 1, 1)
    assert (found.generated, found.parsed, found.unique) == (6, 4, 1)


def test_the_first_of_each_reason_are_kept_to_be_shown(tmp_path: Path) -> None:
    reply = "\n".join(["Question: What is the code of item X0?\nAnswer: code 0"] * 9 + ["Answer: " + "long " * 200])
    shown = one_round(reply, tmp_path, task()).dropped
    assert [(each.reason, each.detail) for each in shown] == [
        ("malformed", "a pair needs a question and an answer"),
        *[("duplicate", "of example-0")] * 3,
    ]
    assert max(len(each.text) for each in shown) == 300


def test_no_word_of_a_barred_question_is_kept(tmp_path: Path) -> None:
    barred = [QAPair("dev-1", "What is the code of item Secret?", "code 9")]
    found = one_round("Question: what is code of item Secret\nAnswer: code 9", tmp_path, task(), barred)
    assert [(each.reason, each.detail) for each in found.dropped] == [("excluded", "the same as dev-1")]
    assert "Secret" not in (tmp_path / "instruct.jsonl").read_text()


def test_excluded_files_and_benchmarks_are_barred_and_one_file_is_read_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"question": "{name}?", "answer": "x"}}\n')
    files = {"exclude": ("a.jsonl",), "benchmarks": {"dev": "b.jsonl", "test": "a.jsonl"}}
    made = task(folder=tmp_path).model_copy(update=files)
    assert [pair.question for pair in barred_questions(made)] == ["a?", "b?"]


def test_a_second_yes_is_kept_and_what_a_quota_drops_is_counted(tmp_path: Path) -> None:
    reply = "\n".join(f"Question: Is item {c} new?\nAnswer: yes" for c in "ABCDEFGH")
    found = one_round(reply, tmp_path, task(questions=10))
    assert (len(found.pairs), found.over_quota) == (5, 3)
    assert found.dropped[0].detail == "5 questions have this answer"


def test_yes_has_no_room_in_later_rounds_either(tmp_path: Path) -> None:
    def yes(number: int) -> str:
        return "\n".join(f"Question: Is item {number}{c} new?\nAnswer: yes" for c in "ABC")

    assert len(self_instruct(task(questions=10), writer(yes), (), tmp_path, Silent())) == 5


# ── forms ──


def with_choices(**fields: str) -> list[dict[str, object]]:
    return [{"question": f"What is item {n}?", "answer": "B", "choices": CHOICES, **fields} for n in range(2)]


def test_pairs_with_choices_are_whole_and_their_answers_in_the_words_of_a_choice(tmp_path: Path) -> None:
    reply = """
Question: What is steam?
Choices: (A) gas (B) solid
Answer: A
Question: What is ice?
Answer: solid
Question: What is tea?
Choices: (A) gas (B) solid
Answer: liquid
Question: What is fog?
Choices: (A) gas (B) gas
Answer: gas"""
    found = one_round(reply, tmp_path, task(with_choices()))
    assert [(pair.answer, pair.choices) for pair in found.pairs] == [("gas", ("gas", "solid"))]
    assert [each.detail for each in found.dropped] == [
        "it has no choices",
        "the answer is none of the choices",
        "two choices are the same",
    ]


def test_captions_and_texts_of_pictures_are_asked_for_and_kept(tmp_path: Path) -> None:
    reply = "Caption: a cube\nOcr: H2O\nQuestion: What is it?\nChoices: (A) gas (B) solid\nAnswer: (B)"
    made = task(with_choices(caption="a cloud", ocr="fog"))
    found = one_round(reply, tmp_path, made)
    assert [(pair.caption, pair.ocr, pair.answer) for pair in found.pairs] == [("a cube", "H2O", "solid")]
    model = writer(lambda _: reply)
    self_instruct(made, model, (), tmp_path / "asked", Silent())
    assert "has these lines, in this order: Caption, Ocr, Question, Choices, Answer." in str(model.calls[0][1].text)
    assert "Caption: a cloud\nOcr: fog\nQuestion: What is item" in str(model.calls[0][1].text)
    assert "\nAnswer: solid" in str(model.calls[0][1].text)


def test_a_task_of_plain_questions_is_asked_as_it_always_was(tmp_path: Path) -> None:
    model = writer(endless)
    self_instruct(task(), model, (), tmp_path, Silent())
    assert str(model.calls[0][1].text).endswith("others and can be answered with certainty.")


# ── levels and examples shown ──


def test_levels_are_asked_for_in_turn_and_the_one_furthest_behind_first() -> None:
    config = task(difficulties=("easy", "hard"), prompts_per_round=3, pairs_per_prompt=2).learn
    assert levels_of(config, ()) == ["easy", "hard", "easy"]
    assert levels_of(config, [QAPair(str(n), "q", "a", level="easy") for n in range(5)]) == ["hard", "hard", "hard"]
    assert levels_of(task().learn, ()) == ["", ""]


def test_each_pair_has_the_level_that_its_prompt_asked_for(tmp_path: Path) -> None:
    def leveled(messages: list[BaseMessage]) -> str:
        asked = re.search(r"of this difficulty: (\w+)\.", str(messages[-1].text))
        assert asked is not None
        return endless(len(model.calls)).replace("item", f"{asked[1]} item")

    model = ScriptedChatModel(replies=leveled)
    questions = self_instruct(task(difficulties=("easy", "hard"), questions=12), model, (), tmp_path, Silent())
    assert all(f"{pair.level} item" in pair.question for pair in questions)
    assert Counter(pair.level for pair in questions) == {"easy": 6, "hard": 6}


def new(answers: Sequence[str]) -> list[QAPair]:
    return [QAPair(f"q{n}", f"Question {n}?", answer) for n, answer in enumerate(answers)]


@pytest.mark.parametrize(("shots", "known", "own"), [(5, 9, 2), (2, 9, 1), (1, 9, 1), (5, 0, 5), (5, 1, 4), (9, 9, 4)])
def test_two_fifths_of_what_is_shown_are_examples_and_more_while_there_is_little_else(
    shots: int, known: int, own: int
) -> None:
    shown = few_shots(task(instruct_shots=shots), new([str(n) for n in range(known)]), random.Random(0))
    assert (len(shown), sum(pair.origin == "example" for pair in shown)) == (shots, own)


def test_answers_of_what_is_shown_differ_where_they_can() -> None:
    mostly_yes = new(["yes"] * 6 + ["no", "Lima", "Oslo"])
    for seed in range(20):
        shown = few_shots(task(), mostly_yes, random.Random(seed))
        assert len({answer_key(pair) for pair in shown}) == 5


def test_the_same_draw_shows_the_same() -> None:
    known = new(list("abcdefgh"))
    assert few_shots(task(), known, random.Random(3)) == few_shots(task(), known, random.Random(3))
