"""Charts are the same each time, can be read aloud, and take any name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autoact.core.records import QAPair, Scored
from autoact.eval.charts import COLOURS, Chart, charts
from autoact.eval.methods import Method
from autoact.eval.report import Measured, Played, Row, compare
from autoact.eval.svg import standalone

Play = Callable[..., Scored]
Rows = Callable[..., Sequence[Row]]
EVERY = ("one-agent", "tool-agents", "autoact", "trajectories-100", "trajectories-50")


@pytest.fixture
def rows(play: Play) -> Rows:
    """The rows of methods, on questions of two levels or more."""

    def make(*names: str, level: str = "hard", more: Sequence[str] = ()) -> Sequence[Row]:
        levels = ("easy", level, *more)
        pairs = tuple(QAPair(str(number), "?", "x", level=each) for number, each in enumerate(levels))
        plays = [play(pair.id, 0.5, usage={"plan": {"calls": 1, "input_tokens": 90}}) for pair in pairs]
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


@pytest.mark.parametrize("number", [7, 20])
def test_no_two_levels_look_the_same(number: int, rows: Rows) -> None:
    chart = charts(rows("react", more=[str(level) for level in range(number)]))[0]
    looks = set(re.findall(r'<use xlink:href="(#levels-\w+)"[^>]*style="fill: (#\w+)', chart.svg))
    assert len(looks) == number + 3 + len(COLOURS)  # easy, hard and all, and the ends of intervals


def test_levels_that_begin_alike_have_labels_of_their_own(rows: Rows) -> None:
    chart = charts(rows("react", level="x" * 30 + "1", more=["x" * 30 + "2", "all"]))[0]
    assert {"x" * 24, "x" * 24 + " (2)", "all", "all (2)"} <= set(texts(chart))


def test_of_more_levels_than_can_be_told_apart_only_all_is_drawn(rows: Rows) -> None:
    chart = charts(rows("react", more=[str(level) for level in range(100)]))[0]
    assert "easy" not in texts(chart)


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
