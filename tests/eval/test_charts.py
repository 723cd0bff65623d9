"""Charts are the same each time, can be read aloud, and take any name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autoact.core.records import QAPair, Scored
from autoact.eval.charts import Chart, charts
from autoact.eval.methods import Method
from autoact.eval.report import Measured, Played, Row, compare
from autoact.eval.svg import standalone

Play = Callable[..., Scored]
Rows = Callable[..., Sequence[Row]]
EVERY = ("one-agent", "tool-agents", "autoact", "trajectories-100", "trajectories-50")


@pytest.fixture
def rows(play: Play) -> Rows:
    """The rows of methods, on questions of two levels."""

    def make(*names: str, level: str = "hard") -> Sequence[Row]:
        pairs = (QAPair("a", "?", "x", level="easy"), QAPair("b", "?", "y", level=level))
        plays = [play("a", 1, usage={"plan": {"calls": 1, "input_tokens": 90}}), play("b", 0.5)]
        return compare(
            Measured("toy", "", pairs, 1, 0, Path()), [Played(Method(name, "about it"), plays) for name in names]
        ).rows

    return make


def texts(chart: Chart) -> list[str]:
    """Every text of a chart."""
    return [element.text or "" for element in ElementTree.fromstring(chart.svg).iter() if element.tag.endswith("text")]


def test_a_chart_is_drawn_when_its_methods_were_played(rows: Rows) -> None:
    assert [chart.name for chart in charts(rows("autoact", "react"))] == ["levels", "costs"]
    assert [chart.name for chart in charts(rows(*EVERY))] == ["levels", "costs", "sizes", "division"]


def test_the_same_rows_give_the_same_drawing(rows: Rows) -> None:
    assert charts(rows(*EVERY)) == charts(rows(*EVERY))


def test_words_stay_words_and_say_what_is_seen(rows: Rows) -> None:
    levels, costs, sizes, division = charts(rows(*EVERY))
    assert {"one-agent", "tool-agents", "easy", "hard", "all"} <= set(texts(levels))
    assert "tokens a question, read and written" in texts(costs)
    assert "trajectories trained on" in texts(sizes)
    assert {"One", "Three", "Tool-specified"} <= set(texts(division))
    assert all(
        'role="img"' in chart.svg and f'<desc id="{chart.name}-about">' in chart.svg for chart in (levels, costs)
    )


@pytest.mark.parametrize("level", ["$\\frac{", "<script>&", "_hidden", "\x1b[2J\ud800\x00", "水平", "x" * 500])
def test_a_level_of_any_name_is_drawn(level: str, rows: Rows) -> None:
    for chart in charts(rows("trajectories-1", "trajectories-2", level=level)):
        assert "script" not in {element.tag for element in ElementTree.fromstring(chart.svg).iter()}


def test_ids_of_two_charts_in_one_page_do_not_clash(rows: Rows) -> None:
    ids = [
        element.get("id")
        for chart in charts(rows(*EVERY))
        for element in ElementTree.fromstring(chart.svg).iter()
        if element.get("id")
    ]
    assert len(ids) == len(set(ids))


def test_a_chart_as_a_file_brings_its_colours_and_loads_nothing(rows: Rows) -> None:
    text = standalone(charts(rows("autoact", "react"))[0].svg)
    assert ElementTree.fromstring(text.encode()) is not None
    assert "currentColor" in text
    assert "prefers-color-scheme:dark" in text
    assert [part.split('"')[0] for part in text.split("http")[1:]] == [
        "://www.w3.org/1999/xlink",
        "://www.w3.org/2000/svg",
    ]
