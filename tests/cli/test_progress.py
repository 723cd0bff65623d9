"""Progress goes to stderr, as lines where there is no terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress as RichProgress

from autoact.cli.progress import Bars, shown_progress


def test_lines_say_each_stage_and_its_end_and_not_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as progress:
        progress.stage("synthesis")
        for done in range(101):
            progress.advance(done, 100, "kept 5")
        progress.say("a\x1b[31m\nb")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "synthesis …\nsynthesis: 100/100 kept 5\na\\x1b[31m b\n")


def test_bars_show_the_last_stage_and_stop_those_before() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True)
    with RichProgress(console=screen) as rich:
        bars = Bars(rich)
        bars.stage("one")
        bars.advance(1, 4, "[red]note")
        bars.stage("two")
        bars.say("[red]line")
    first, second = rich.tasks
    assert (first.completed, first.total, first.fields["note"]) == (1, 4, "[red]note")
    assert first.stop_time is not None
    assert second.total is None
