"""Text that every tokenizer and database takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.text import storable


@pytest.mark.parametrize(
    ("text", "kept"), [("a\x00b", "a\ufffdb"), ("half \ud800", "half \ufffd"), ("日本 🙂", "日本 🙂")]
)
def test_what_no_database_takes_is_replaced(text: str, kept: str) -> None:
    assert storable(text) == kept


@given(st.text(st.characters()))
def test_whatever_is_left_can_be_encoded(text: str) -> None:
    assert json.loads(json.dumps(storable(text), ensure_ascii=False).encode()) == storable(text)
    assert "\x00" not in storable(text)
