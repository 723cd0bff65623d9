"""A learning run as one HTML file: charts, tables, samples, and what the team was made of.

    write_page(Path("report.html"), overview(Path("runs/atlas"), samples=5))

The page runs no script and loads nothing. What models, tools and files wrote is escaped, and characters that steer a
terminal or turn the reading direction are shown as what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autoact.cli.show_tables import DROPPED, added, funnels
from autoact.core.errors import UserError
from autoact.core.store import writing

PACKAGES = ("matplotlib", "jinja2")


def write_page(path: Path, seen: Mapping[str, Any]) -> None:
    """Write the page. Raises UserError when a package is missing or the file cannot be written."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UserError(f"--html needs {missing[0]}: pip install 'langgraph-autoact[eval]'")
    if path.is_dir():
        raise UserError(f"--html {path} is a folder; name a file, such as {path / 'report.html'}")
    text = page(seen)
    with writing(path):
        path.write_text(text, encoding="utf-8")


def page(seen: Mapping[str, Any]) -> str:
    """The page's text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from autoact.cli.learning_charts import learning_charts
    from autoact.eval.html import interval, number, shown

    folders = [str(resources.files(f"autoact.{room}") / "templates") for room in ("cli", "eval")]
    pages = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"number": number, "interval": interval}
    charts = {chart.name: chart for chart in learning_charts(seen)}
    dropped = added(each["dropped"] for each in seen["rounds"])
    return pages.get_template("learning.html").render(
        seen=seen, charts=charts, funnels=funnels(seen), dropped=dropped, words=DROPPED
    )
