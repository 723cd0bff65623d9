"""Methods are chosen by id."""

from __future__ import annotations

import pytest

from autoact.core.errors import UserError
from autoact.eval.methods import METHODS, choose_methods


def test_all_is_every_method() -> None:
    assert choose_methods("all") == METHODS


def test_methods_come_in_the_order_asked_for_each_once() -> None:
    assert [m.id for m in choose_methods("autoact, zero-shot,autoact")] == ["autoact", "zero-shot"]


@pytest.mark.parametrize("names", ["", ",", "react", "all,autoact"])
def test_a_wrong_list_says_what_there_is(names: str) -> None:
    with pytest.raises(UserError, match="choose from all, zero-shot, autoact"):
        choose_methods(names)


def test_only_the_trained_team_needs_adapters() -> None:
    assert {method.id: method.needs_adapters for method in METHODS} == {"zero-shot": False, "autoact": True}
