"""Text that every tokenizer and database takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.text import spelt_out, storable


@pytest.mark.parametrize(
    ("text", "kept"), [("a\x00b", "a\ufffdb"), ("half \ud800", "half \ufffd"), ("日本 🙂", "日本 🙂")]
)
def test_what_no_database_takes_is_replaced(text: str, kept: str) -> None:
    assert storable(text) == kept


@given(st.text(st.characters()))
def test_whatever_is_left_can_be_encoded(text: str) -> None:
    assert json.loads(json.dumps(storable(text), ensure_ascii=False).encode()) == storable(text)
    assert "\x00" not in storable(text)


@pytest.mark.parametrize("hidden", "\x00\x1b\x9b\u061c\u200e\u200f\u2028\u2029\u202e\u2066\u2069\ud800\ufeff\uffff")
def test_a_character_that_steers_or_hides_is_spelt_out(hidden: str) -> None:
    shown = spelt_out(f"a{hidden}b")
    assert shown.isprintable()
    assert shown.encode("ascii").decode("unicode_escape") == f"a{hidden}b"


def test_lines_and_joined_letters_stay() -> None:
    assert spelt_out("a\tb\nمی\u200cخواهم 👩\u200d🚀") == "a\tb\nمی\u200cخواهم 👩\u200d🚀"
