"""A draw's seed depends on what is drawn, and on nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from autoact.core.seeds import seed_of


def test_a_seed_never_changes_between_versions() -> None:
    assert seed_of(0, "synthesis", "q-17", 2) == 115997314


def test_every_part_counts_and_parts_do_not_run_together() -> None:
    seeds = {seed_of(0, "a", 1), seed_of(1, "a", 1), seed_of(0, "b", 1), seed_of(0, "a", 2), seed_of("0a", 1)}
    assert len(seeds) == 5


@given(st.lists(st.integers() | st.text()))
def test_any_parts_make_a_31_bit_seed(parts: list[object]) -> None:
    assert 0 <= seed_of(*parts) < 2**31


def test_half_a_character_in_an_id_still_makes_a_seed() -> None:
    assert seed_of("\ud800") != seed_of("\ud801")
