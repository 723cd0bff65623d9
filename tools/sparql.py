"""What a request to a knowledge graph is: a query, something forbidden, or a name.

>>> kind("SELECT ?x { ?x ?y ?z }"), kind("LOAD <http://example.org>"), kind("South America")
('query', 'update', 'name')
"""

import re
from typing import Literal

_COMMENTS = r"\s*(?:#[^\n]*\n\s*)*"
_QUERY = re.compile(_COMMENTS + r"(?:PREFIX|BASE|SELECT|ASK|CONSTRUCT|DESCRIBE)\b[^{]*\{", re.IGNORECASE)
_UPDATE = re.compile(_COMMENTS + r"(?:INSERT|DELETE|LOAD|CLEAR|CREATE|DROP|COPY|MOVE|ADD|WITH)\b.*[{<]", re.IGNORECASE)
# What holds no keyword: texts, IRIs and comments.
_QUOTED = re.compile(
    r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|<[^<>\s]*>|#[^\n]*'
)
_SERVICE = re.compile(r"(?<![?$])\bSERVICE\b", re.IGNORECASE)
_LABELS = re.compile(r"(?<![?$])\bSERVICE\s+wikibase:label\b(?![\w.:-])", re.IGNORECASE)


def kind(request: str) -> Literal["query", "update", "name"]:
    """Whether a request is SPARQL that asks, SPARQL that changes, or neither: then it is a name."""
    if _UPDATE.match(request):
        return "update"
    return "query" if _QUERY.match(request) else "name"


def check(query: str, *, labels: bool = False) -> None:
    """Raises ValueError for a query that would have another server asked; at Wikidata itself `labels` are none."""
    plain = _QUOTED.sub(" ", query)
    if _SERVICE.search(_LABELS.sub(" ", plain) if labels else plain):
        raise ValueError("SERVICE is refused: no other server is asked.")
