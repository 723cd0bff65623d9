"""HotpotQA (Yang et al. 2018) in the paper's form: 3 × 100 questions by difficulty, each with ten paragraphs.

    {"id": …, "question": …, "answer": …, "level": "easy", "context": [["Lima", ["Lima is …", " It …"]], …]}

It is played closed-book with tools: the paragraphs are no part of the question, they are what the tools search.
The easy and medium questions of the paper are from the training split (the dev split is all hard), and so they are
drawn from the hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoact.core.task import qa_pair
from autoact.eval.hub import Hub
from autoact.eval.published import Published
from autoact.eval.rows import Row
from autoact.tools.corpus import Page

LEVELS = ("easy", "medium", "hard")


def hotpotqa_row(data: Mapping[str, Any], default_id: str) -> Row:
    """A line of HotpotQA. Raises ValueError."""
    shown = {name: data[name] for name in ("id", "question", "answer", "level") if name in data}
    pair = qa_pair(shown, default_id, "benchmark")
    if pair.level not in LEVELS:
        raise ValueError(f"the level {pair.level!r:.40} is none of {', '.join(LEVELS)}")
    return Row(pair, _paragraphs(data.get("context")))


def _paragraphs(context: Any) -> tuple[Page, ...]:
    try:
        pages = [Page(title.strip(), "".join(sentences).strip()) for title, sentences in context]
    except (TypeError, ValueError, AttributeError):
        raise ValueError("the context must be a list of [title, [sentence, …]]") from None
    pages = [page for page in pages if page.title and page.text]
    if not pages:
        raise ValueError("the context holds no paragraph; the tools would have nothing to search")
    return tuple(pages)


def from_hub(row: Mapping[str, Any], _name: str) -> dict[str, Any]:
    """A row of the hub as a line: its context has titles and sentences apart."""
    context = row["context"]
    return {**row, "context": list(zip(context["title"], context["sentences"], strict=True))}


HOTPOTQA = Published(
    name="hotpotqa",
    files={level: f"{level}.jsonl" for level in LEVELS},
    size=100,
    reader=hotpotqa_row,
    hub=Hub(
        repo="hotpotqa/hotpot_qa",
        config="distractor",
        splits={"easy": "train", "medium": "train", "hard": "validation"},
        columns=("id", "question", "answer", "level", "context"),
        column="level",
        level_of=str,
        to_line=from_hub,
    ),
)
