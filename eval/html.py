"""The report as files, beside the records of a trial.

    write_report(report)

    report.html     one static page: the tables, the charts, the case studies
    plays.html      the reward of every play, each a link into the Inspect viewer
    report.json     the same figures for machines
    charts/*.svg    the same charts as files

The pages run no script and load nothing. Whatever came from a model, a tool or a file is
escaped, and characters that steer a terminal or turn the reading direction are shown as what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from autoact.core.records import FINISH, REFLECT, Scored
from autoact.core.store import write_json, writing
from autoact.core.text import spelt_out
from autoact.eval.cases import cases
from autoact.eval.charts import charts
from autoact.eval.paper import not_played, source
from autoact.eval.report import Played, Report
from autoact.eval.scores import Scores, plays_of
from autoact.eval.svg import standalone
from autoact.eval.taxonomy import CLASSES, FAULTS

if TYPE_CHECKING:
    from jinja2 import Environment

CASES = 3
VIEWER = "http://127.0.0.1:7575"  # where `autoact view` listens unless it is told otherwise


def write_report(report: Report) -> Path:
    """Write the report beside its records; gives the page's path. Raises RunError when the disk takes no more."""
    folder = report.page.parent
    write_json(folder / "report.json", report.to_json())
    drawn = charts(report.rows)
    for chart in drawn:
        _write(folder / "charts" / f"{chart.name}.svg", standalone(chart.svg))
    pages = _pages(report)
    plays = {played.method.id: plays_of(played.records) for played in report.played}
    _write(folder / "plays.html", pages.get_template("plays.html").render(plays=plays))
    _write(report.page, pages.get_template("report.html").render(charts=drawn))
    return report.page


def viewer_link(log: str, scored: Scored) -> str:
    """Where the Inspect viewer shows a play; it counts epochs from 1."""
    question, _, epoch = scored.id.rpartition("/")
    place = f"{quote(log)}/samples/sample/{quote(question, safe='')}/{int(epoch) + 1}/messages"
    return f"{VIEWER}/#/logs/{place}"


def shown(value: object) -> object:
    """A value as a page can hold it: hostile characters spelt out."""
    return spelt_out(value) if type(value) is str else value  # markup of ours is a subclass


def number(value: float | None, digits: int = 3, sign: str = "") -> str:
    """A figure of the page; a dash where there is none."""
    return "–" if value is None else f"{value:{sign}.{digits}f}"


def interval(bounds: Sequence[float] | None, sign: str = "") -> str:
    """A 95% interval; a dash where there is none."""
    return "–" if bounds is None else f"[{number(bounds[0], sign=sign)}, {number(bounds[1], sign=sign)}]"


def _pages(report: Report) -> Environment:
    """The templates, with what each of them may show."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"number": number, "interval": interval}
    pages.globals |= {"FINISH": FINISH, "REFLECT": REFLECT, "CLASSES": CLASSES, "FAULTS": FAULTS}
    pages.globals |= {"viewer_link": viewer_link, "not_played": not_played(), "source": source()}
    pages.globals |= {"report": report, "measured": report.measured, "made_under": report.made_under()}
    pages.globals |= _derived(report)
    return pages


def _derived(report: Report) -> dict[str, Any]:
    """What the pages show beside the report's own figures, and which columns they have."""
    sides = _sides(report)
    every = [row.scores for row in report.rows]
    return {
        "name": f"{report.measured.benchmark} {report.measured.split}".strip(),
        "levels": list(every[0].levels),
        "uneven": any(_uneven(scores) for scores in every),
        "twice": all(scores.overall.oracle_best_of_two is not None for scores in every),
        "sides": sides,
        "cases": cases(sides[0].records, sides[1].records, report.measured.pairs, CASES) if sides else (),
        "logs": {played.method.id: played for played in report.played if played.log},
    }


def _sides(report: Report) -> tuple[Played, ...]:
    """The two methods of the case studies: AutoAct, or else the best one, and the one compared with."""
    others = {played.method.id: played for played in report.played if played.method.id != report.against}
    against = next((played for played in report.played if played.method.id == report.against), None)
    if not others or against is None:
        return ()
    best = max((row for row in report.rows if row.method in others), key=lambda row: row.scores.overall.reward)
    return others.get("autoact", others[best.method]), against


def _uneven(scores: Scores) -> bool:
    return scores.mean_of_levels is not None and abs(scores.mean_of_levels - scores.overall.reward) >= 0.0005


def _write(path: Path, text: str) -> None:
    with writing(path):
        path.write_text(text, encoding="utf-8")
