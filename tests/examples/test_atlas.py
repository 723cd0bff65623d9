"""The world of Atlas: its splits, its layouts, and what the seed model was not shown."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from autoact.core.contamination import question_key, question_keys
from autoact.core.records import FINISH, REFLECT, Question
from autoact.core.reward import reward_of
from autoact.core.task import load_task, read_questions
from autoact.examples.atlas.atlas import FOLDER, atlas, benchmark, known, split
from autoact.examples.atlas.invented import LAYOUTS, invented
from autoact.examples.atlas.lessons import LENGTH, Lessons, pairs_lesson
from autoact.examples.atlas.play import play
from autoact.examples.atlas.world import pair_of, questions
from autoact.models.chat_format import turn_spans
from autoact.models.engine import load_tokenizer

TOOLS = ("Search", "Retrieve", "Lookup")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(FOLDER / "seed")


def test_the_files_are_what_the_world_says() -> None:
    pages = [json.loads(line) for line in (FOLDER / "corpus.jsonl").read_text("utf-8").splitlines()]
    assert sorted((p.title, p.text) for p in atlas().corpus().pages) == sorted((p["title"], p["text"]) for p in pages)
    for name in ("dev", "test"):
        assert read_questions(FOLDER / f"{name}.jsonl") == benchmark(atlas(), name)


def test_the_task_file_describes_the_world_as_the_lessons_do() -> None:
    task = load_task(FOLDER / "task.yaml")
    assert task.description == atlas().description()


def test_splits_share_no_country() -> None:
    parts = [{thing.name for thing in things} for things in split(atlas()).values()]
    assert sum(len(part) for part in parts) == len(set.union(*parts)) == len(atlas().things)


def test_the_test_split_has_at_least_five_hundred_questions() -> None:
    assert len(read_questions(FOLDER / "test.jsonl")) >= 500


def test_an_answer_on_earth_is_found_by_lookup_or_in_the_opening() -> None:
    world, corpus = atlas(), atlas().corpus()
    for asked in questions(world, split(world)["dev"][0]):
        page = corpus.page(asked.thing.name)
        assert page is not None
        assert (asked.answer in page.opening) or f"Its {asked.relation} is {asked.answer}." in page.text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_an_invented_world_can_be_solved_by_play(layout: str) -> None:
    rng = random.Random(3)
    world = next(w for w in iter(lambda: invented(rng), None) if w.layout == layout)
    corpus, right = world.corpus(), 0
    for _ in range(60):
        asked = rng.choice(list(questions(world, rng.choice(world.things))))
        steps = play(world, corpus, asked, TOOLS, rng)
        answers = [step.argument for step in steps if step.tool == FINISH]
        right += reward_of(answers[-1], pair_of(world, asked)).value == 1
        assert steps[-1].tool == REFLECT
    assert 10 <= right <= 60


def test_no_held_out_question_is_among_the_pairs_shown() -> None:
    held_out = question_keys(pair.shown() for name in ("dev", "test") for pair in benchmark(atlas(), name))
    rng = random.Random(0)
    for _ in range(500):
        for turn in pairs_lesson(rng)[1:]:
            lines = [line.removeprefix("Question: ") for line in turn.text.split("\n") if line.startswith("Question: ")]
            assert not {question_key(Question(line)) for line in lines} & held_out


def test_no_line_of_the_lessons_asks_about_a_held_out_country(tokenizer: Any) -> None:
    world = atlas()
    held_out = {
        pair_of(world, a).question for n in ("dev", "test") for t in split(world)[n] for a in questions(world, t)
    }
    lessons = Lessons(tokenizer, seed=0)
    for step in range(40):
        for row in lessons.batch(step, 8):
            text = tokenizer.decode(row.ids)
            assert not [question for question in held_out if question in text]


def test_half_of_the_training_questions_are_not_shown() -> None:
    world = atlas()
    asked = [a for thing in split(world)["train"] for a in questions(world, thing)]
    assert 0.4 < sum(known(world, a) for a in asked) / len(asked) < 0.6


def test_lessons_are_the_same_for_the_same_seed_and_step(tokenizer: Any) -> None:
    one, other = Lessons(tokenizer, seed=1), Lessons(tokenizer, seed=1)
    one.batch(4, 2)
    assert one.batch(5, 2) == other.batch(5, 2)
    assert one.batch(6, 2) != other.batch(5, 2)
    assert all(len(row.ids) == len(row.learn) <= LENGTH for row in one.batch(7, 8))


def test_a_lesson_has_the_tokens_and_marks_that_training_would_have(tokenizer: Any) -> None:
    turns = pairs_lesson(random.Random(5))
    row = Lessons(tokenizer, seed=0).chat(turns)
    spans = turn_spans(tokenizer, [{"role": turn.role, "content": turn.text} for turn in turns])
    assert row.ids == spans.ids
    assert [i for i, learn in enumerate(row.learn) if learn] == [i for s, e in spans.spans for i in range(s, e)]


def test_a_name_has_the_same_tokens_in_a_tool_input_as_in_running_text(tokenizer: Any) -> None:
    for thing in atlas().things:
        alone = tokenizer(f" {thing.name}", add_special_tokens=False)["input_ids"]
        inside = tokenizer(f"I open {thing.name}", add_special_tokens=False)["input_ids"]
        assert inside[-len(alone) :] == alone


def test_the_seed_model_fits_its_budget() -> None:
    files = list((FOLDER / "seed").iterdir())
    assert sum(path.stat().st_size for path in files) < 10_000_000
    assert not [path for path in files if path.suffix in {".bin", ".pt", ".pkl"}]


def test_pretraining_goes_on_from_its_checkpoint_as_if_never_stopped(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from autoact.examples.atlas import pretrain

    torch.set_num_threads(1)
    pretrain.main(tmp_path / "whole", steps=2, seed=3, threads=1)
    pretrain.main(tmp_path / "parts", steps=2, seed=3, threads=1, until=1)
    pretrain.main(tmp_path / "parts", steps=2, seed=3, threads=1)
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
