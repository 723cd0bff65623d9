"""The collector waits for as long as it is told to, and is then as it was."""

from __future__ import annotations

import gc

import pytest

from autoact.core.garbage import YOUNG, seldom_collected


def test_the_collector_waits_and_is_then_as_it_was() -> None:
    before = gc.get_threshold()
    with seldom_collected():
        assert gc.get_threshold() == (YOUNG, *before[1:])
        assert gc.get_freeze_count() > 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


@pytest.mark.parametrize("own", [0, 2 * YOUNG])
def test_who_has_it_wait_longer_or_for_ever_is_left_alone(own: int) -> None:
    before = gc.get_threshold()
    gc.set_threshold(own)
    try:
        with seldom_collected():
            assert gc.get_threshold()[0] == own
    finally:
        gc.set_threshold(*before)


def test_it_is_as_it_was_after_an_error_too() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError), seldom_collected():
        raise KeyError
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
