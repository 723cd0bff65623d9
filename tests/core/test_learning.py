"""Presets: where a learn section starts from, and what goes before them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from autoact.core.learning import PRESETS, LearnConfig, with_preset


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_known_fields_to_values_they_may_have(name: str) -> None:
    assert LearnConfig.model_validate(with_preset({"preset": name})).preset == name


def test_best_is_what_the_fields_default_to() -> None:
    assert LearnConfig.model_validate(with_preset({})) == LearnConfig()


def test_a_file_that_names_a_preset_goes_before_it() -> None:
    config = LearnConfig.model_validate(with_preset({"preset": "paper", "epochs": 3}))
    assert (config.epochs, config.max_kept) == (3, 200)


def test_a_preset_of_the_command_line_goes_before_the_file() -> None:
    config = LearnConfig.model_validate(with_preset({"epochs": 3, "questions": 300}, "paper"))
    assert (config.preset, config.epochs, config.questions) == ("paper", 5, 300)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("budgets", {"training": {"tokens": 5}}),
        ("budgets", {"training": {"requests": 5}}),
        ("budgets", {"preferences": {"tokens": 5}}),
        ("lora_targets", ()),
        ("lora_targets", "q_proj,"),
    ],
)
def test_a_value_that_nothing_could_be_done_with_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        LearnConfig.model_validate({field: value})


@pytest.mark.parametrize("name", ["pepper", 5, None, ["paper"]])
def test_an_unknown_preset_is_refused(name: object) -> None:
    with pytest.raises(ValidationError, match="preset"):
        LearnConfig.model_validate(with_preset({"preset": name}))


@pytest.mark.parametrize(("settings", "needed"), [({}, 10), ({"max_kept": 5}, 5), ({"max_kept": 5, "min_kept": 3}, 3)])
def test_no_more_are_needed_than_are_kept(settings: dict[str, int], needed: int) -> None:
    assert LearnConfig.model_validate(settings).needed == needed


def test_modules_to_adapt_are_a_list_or_a_text() -> None:
    for given in (["q_proj", "o_proj"], "q_proj, o_proj", ("q_proj", "o_proj")):
        assert LearnConfig.model_validate({"lora_targets": given}).lora_targets == ("q_proj", "o_proj")
    with pytest.raises(ValidationError):
        LearnConfig.model_validate({"lora_targets": 5})
