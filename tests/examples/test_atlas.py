"""The world of Atlas: its splits, its layouts, and what the seed model was not shown."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoact.core.contamination import question_key, question_keys
from autoact.core.records import FINISH, REFLECT
from autoact.core.reward import reward_of
from autoact.core.task import load_task, read_questions
from autoact.examples.atlas.atlas import CHOICE, FOLDER, RELATIONS, atlas, benchmark, split
from autoact.examples.atlas.choice import all_put, choice_pair, put_choice, put_member, put_plainly
from autoact.examples.atlas.invented import invented
from autoact.examples.atlas.lessons import LENGTH, Lessons, known_pairs, pairs_lesson
from autoact.examples.atlas.play import play
from autoact.examples.atlas.world import SOURCES, Asked, Source, pair_of, questions
from autoact.models.chat_format import turn_spans
from autoact.models.engine import load_tokenizer
from autoact.prompts.render import pair_text

TOOLS = ("Search", "Retrieve", "Lookup")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(FOLDER / "seed")


def test_the_files_are_what_the_world_says() -> None:
    pages = [json.loads(line) for line in (FOLDER / "corpus.jsonl").read_text("utf-8").splitlines()]
    assert sorted((p.title, p.text) for p in atlas().corpus().pages) == sorted((p["title"], p["text"]) for p in pages)
    for name in ("dev", "test"):
        assert read_questions(FOLDER / f"{name}.jsonl") == benchmark(atlas(), name)
        assert read_questions(CHOICE / f"{name}.jsonl") == benchmark(atlas(), name, choice=True)


@pytest.mark.parametrize("folder", [FOLDER, CHOICE])
def test_a_task_file_describes_the_world_as_the_lessons_do(folder: Path) -> None:
    task = load_task(folder / "task.yaml")
    assert task.description == atlas().description(choice=folder == CHOICE)


def test_splits_share_no_country() -> None:
    parts = [{thing.name for thing in things} for things in split(atlas()).values()]
    assert sum(len(part) for part in parts) == len(set.union(*parts)) == len(atlas().things)


def test_the_test_split_has_at_least_five_hundred_questions() -> None:
    assert len(read_questions(FOLDER / "test.jsonl")) >= 500


@pytest.mark.parametrize("relation", RELATIONS)
def test_on_earth_one_source_tells_the_truth_and_the_others_do_not(relation: str) -> None:
    world, corpus = atlas(), atlas().corpus()
    for thing in split(world)["dev"]:
        page, entry = corpus.page(thing.name), corpus.page(f"{relation} of {thing.name}")
        assert page is not None
        found = corpus.search(f"note on the {relation} of {thing.name}", 3)
        texts: dict[Source, str] = {
            "opening": page.opening,
            "gazetteer": entry.text if entry else "",
            "body": page.text.partition("\n\n")[2],
            "notes": " ".join(each.text for each in found if each.title.startswith("note ")),
        }
        for source, text in texts.items():
            told = world.sentence(source, relation, thing)
            assert not told or told in text
            assert (world.value(source, relation, thing) == thing.facts[relation]) == (
                source == world.trusted[relation]
            )


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("choice", [False, True])
def test_whichever_source_holds_play_finds_it_more_often_than_not(source: Source, choice: bool) -> None:
    rng, right, plays = random.Random(3), 0, 0
    while plays < 100:
        world = invented(rng)
        asked = [a for thing in world.things for a in questions(world, thing) if world.trusted[a.relation] == source]
        corpus = world.corpus()
        for each in rng.sample(asked, min(5, len(asked))):
            put = put_choice(world, each) if choice else put_plainly(world, each)
            steps = play(world, corpus, put, TOOLS, rng)
            answers = [step.argument for step in steps if step.tool == FINISH]
            right += reward_of(answers[-1], replace(pair_of(world, each), choices=put.choices)).value == 1
            plays += 1
            assert steps[-1].tool == REFLECT
    assert 0.6 * plays < right


def test_a_member_of_a_group_is_found_by_play() -> None:
    rng = random.Random(4)
    for _ in range(50):
        world = invented(rng)
        thing = rng.choice(world.things)
        put = put_member(world, thing, 0)
        steps = play(world, world.corpus(), put, TOOLS, rng)
        assert [step.argument for step in steps if step.tool == FINISH] == [thing.name]
        assert all(step.ok for step in steps)


def test_choices_differ_and_hold_the_answer_and_what_sources_tell_instead() -> None:
    world = atlas()
    for thing in split(world)["dev"]:
        for put in all_put(world, thing):
            pair = choice_pair(world, put)
            assert len(set(pair.choices)) == len(pair.choices) >= 3
            assert pair.answer in pair.choices
            if isinstance(put.asked, Asked):
                told = {world.value(source, put.asked.relation, thing) for source in SOURCES} - {""}
                assert told <= set(pair.choices)


@pytest.mark.parametrize("choice", [False, True])
def test_no_held_out_country_is_asked_about_in_the_pairs_shown(choice: bool) -> None:
    held_out = question_keys(pair.shown() for n in ("dev", "test") for pair in benchmark(atlas(), n, choice))
    assert not {question_key(pair.shown()) for pair in known_pairs(choice)} & held_out
    rng, shown = random.Random(0), {pair_text(pair) for pair in known_pairs(choice)}
    for _ in range(200):
        assert set(pairs_lesson(rng, choice)[-1].text.split("\n\n")) <= shown


def test_no_line_of_the_lessons_asks_about_a_held_out_country_or_tells_of_it(tokenizer: Any) -> None:
    world = atlas()
    things = [thing for name in ("dev", "test") for thing in split(world)[name]]
    held_out = {pair_of(world, a).question for thing in things for a in questions(world, thing)}
    held_out |= {world.sentence(source, r, thing) for thing in things for r in RELATIONS for source in SOURCES} - {""}
    held_out |= {f"The {r} of {thing.name} is {thing.facts[r]}." for thing in things for r in RELATIONS}
    held_out -= {sentence for sentence in held_out if sentence.startswith("Its ")}  # of whom, it does not say
    lessons = Lessons(tokenizer, seed=0)
    for step in range(40):
        for row in lessons.batch(step, 8):
            text = tokenizer.decode(row.ids)
            assert not [told for told in held_out if told in text]


def test_three_fifths_of_the_training_questions_are_not_shown() -> None:
    world = atlas()
    asked = sum(1 for thing in split(world)["train"] for _ in questions(world, thing))
    assert 0.35 < len(known_pairs(False)) / asked < 0.45


def test_of_most_lists_only_the_answers_are_learned(tokenizer: Any) -> None:
    lessons = Lessons(tokenizer, seed=0)
    turns = pairs_lesson(random.Random(5), choice=True)
    row = lessons.chat(turns, whole=False)
    answers = [line.removeprefix("Answer:") for line in turns[-1].text.split("\n") if line.startswith("Answer:")]
    learned = tokenizer.decode([token for token, learn in zip(row.ids, row.learn, strict=True) if learn])
    assert learned.removesuffix("<|end|>") == "\n".join(answers)


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


def test_training_can_begin_with_the_weights_of_another_model(tokenizer: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from autoact.examples.atlas import pretrain

    seed, model = AutoModelForCausalLM.from_pretrained(FOLDER / "seed"), pretrain.make_model(len(tokenizer))
    pretrain.begin_with(FOLDER / "seed", model, tokenizer)
    ids = torch.tensor([tokenizer("Peru is a country.")["input_ids"]])
    assert torch.allclose(model(ids).logits, seed.float()(ids).logits)
