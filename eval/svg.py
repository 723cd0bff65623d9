"""A drawing as SVG that is the same each time, takes the colours of its page and can be read aloud.

    svg = svg_of(draw, "costs", "Cost and reward", "Tokens a question against …")
    standalone(svg)         # the same as a file of its own, on light and on dark

Text stays text, so that it can be searched and is drawn in the reader's own font.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#010203"  # stands for the page's text colour while matplotlib draws
STYLE = (
    "<style>svg{color:#1b1f24;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#e8eaed;background:#16181c}}</style>"
)
SETTINGS = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#88888855",
    "grid.linewidth": 0.6,
}


def svg_of(draw: Callable[[Figure], None], name: str, title: str, about: str) -> str:
    """The `<svg>` element of what `draw` puts on an empty figure, with its words for who cannot see it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: Any = {**SETTINGS, "svg.hashsalt": name}
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's font draws the text
        figure = Figure(layout="constrained")
        draw(figure)
        text = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    return _named(_in_a_page(text.getvalue(), name), name, title, about)


def standalone(svg: str) -> str:
    """The drawing as a file."""
    head, _, rest = svg.partition(">")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}>{STYLE}{rest}'


def _in_a_page(svg: str, name: str) -> str:
    """The element alone, in the page's ink, as wide as there is room; its ids are its own."""
    svg = svg[svg.index("<svg ") :].replace(INK, "currentColor")
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{name}-", svg)
    size = r'width="([\d.]+)pt" height="[\d.]+pt"'
    return re.sub(size, r'style="max-width:\1pt;width:100%"', svg, count=1)


def _named(svg: str, name: str, title: str, about: str) -> str:
    head, _, rest = svg.partition(">")
    label = f'role="img" aria-labelledby="{name}-title {name}-about"'
    told = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-about">{escape(about)}</desc>'
    return f"{head} {label}>{told}{rest}"
