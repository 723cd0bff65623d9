"""The paper preset by the size of the base (Table 4), and how a base is measured without its weights."""

from __future__ import annotations

from pathlib import Path

from autoact.core.learning import LearnConfig, with_preset
from autoact.training.base_model import load_base
from autoact.training.sizes import paper_sized, parameters_of, sized

SEED = Path(__file__).parents[2] / "examples" / "atlas" / "seed"
BILLION = 10**9


def paper(**fields: int) -> LearnConfig:
    return LearnConfig.model_validate(with_preset({"preset": "paper", **fields}))


def test_seventy_billion_parameters_train_three_epochs_one_by_one_and_thirteen_as_the_preset_says() -> None:
    assert (paper().epochs, paper().batch_size) == (5, 4)
    assert paper_sized(paper(), 13 * BILLION) == paper()
    assert paper_sized(paper(), 70 * BILLION) == paper().model_copy(update={"epochs": 3, "batch_size": 1})


def test_what_was_set_to_another_value_stays() -> None:
    large = paper_sized(paper(epochs=2), 70 * BILLION)
    assert (large.epochs, large.batch_size) == (2, 1)


def test_our_own_preset_does_not_ask_for_the_size() -> None:
    assert paper_sized(LearnConfig(), 70 * BILLION) == LearnConfig()
    assert sized(LearnConfig(), Path("nowhere")) == LearnConfig()


def test_parameters_are_counted_without_weights() -> None:
    assert parameters_of(SEED) == sum(weight.numel() for weight in load_base(str(SEED)).model.parameters())
    assert sized(paper(), SEED) == paper()
