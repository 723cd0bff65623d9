"""Nothing that a model, a tool or a file says can steer the terminal."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.cli.display import console, one_line, plain, print_json, safe


@given(st.text())
def test_shown_text_holds_no_control_character_and_can_be_encoded(text: str) -> None:
    shown = plain(text)
    assert all(char in "\t\n" or char.isprintable() or not char.isascii() for char in shown)
    assert not any("\x7f" <= char <= "\x9f" or "\u202a" <= char <= "\u202e" for char in shown)
    shown.encode("utf-8")
    assert "\n" not in one_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"], exclude_characters="\\")))
def test_ordinary_text_of_any_script_is_shown_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_rich_markup_and_escapes_are_shown_and_not_obeyed() -> None:
    screen = console()
    with screen.capture() as caught:
        screen.print(safe("[red]hi[/] \x1b[31m :smile: [link=x]\x07"))
    assert caught.get() == "[red]hi[/] \\x1b[31m :smile: [link=x]\\x07\n"


def test_json_is_ascii_and_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": "Zürich \x9b\ud800", "loss": math.nan, "items": (1, [math.inf])})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed)["text"] == "Zürich \x9b\ud800"
    assert (json.loads(printed)["loss"], json.loads(printed)["items"]) == (None, [1, [None]])


def test_a_pipe_is_wider_than_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console().width == 120
