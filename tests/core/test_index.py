"""An index is a dict from ids to places, but for what it takes."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from autoact.core.index import Index

IDS = st.text(st.characters(exclude_categories=[]), max_size=3)


@given(st.lists(st.tuples(IDS, st.integers(0, 2**40)), max_size=80), IDS)
def test_it_holds_what_a_dict_would(put: list[tuple[str, int]], other: str) -> None:
    index, known = Index(), dict[str, int]()
    for name, at in put:
        index.put(name, at)
        known[name] = at
    assert len(index) == len(known)
    assert [index.number(name) for name in known] == list(range(len(known)))
    assert [index.at(number) for number in range(len(index))] == list(known.values())
    assert (index.number(other) is None) is (other not in known)


def test_many_ids_are_all_found_and_no_other() -> None:
    index = Index()
    for number in range(20_000):
        index.put(f"q{number}/0", 480 * number)
    assert all(index.number(f"q{number}/0") == number for number in range(20_000))
    assert not any(index.number(f"q{number}/1") is not None for number in range(20_000))


def test_an_id_takes_a_few_bytes_however_long_it_is() -> None:
    index = Index()
    for number in range(20_000):
        index.put(f"{'long ' * 100}{number}", 480 * number)
    assert sum(map(sys.getsizeof, vars(index).values())) / 20_000 < 40
