"""From examples to token rows: the ids the model is sent at run time, and labels on the marked turns only.

    rows = to_rows(tokenizer, examples, max_length=4096)
    rows.rows[0]      # {"input_ids": […], "labels": [-100, …, 17, 5, 2, -100, …]}

One row holds a whole conversation, which is exact when the chat template is prefix-stable. Under a template
that is not, each marked turn becomes a row of its own, and `note` says why.

A conversation that is too long is cut after its last marked turn that fits; one in which none fits is dropped. The
turns after the cut are not learned behind a repeated system turn and question: no agent is ever sent that. Where a
prompt does not fit its window, it is sent with observations cut short (graph/speaking.py), and trajectories that were
played so are not trained on at all, since what their steps say is not what was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autoact.core.records import Example
from autoact.models.chat_format import last_turn, prefix_problem, turn_spans

UNLABELLED = -100
Row = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of examples, and what did not become one.

    dropped: conversations, or turns, too long to learn from; cut: rows that lost turns; unlabelled: examples that mark
    no turn; note: why there is a row a turn, if there is.
    """

    rows: list[Row]
    dropped: int
    cut: int
    unlabelled: int
    note: str


def to_rows(tokenizer: Any, examples: Sequence[Example], max_length: int) -> Rows:
    """The rows of all examples."""
    note = prefix_problem(tokenizer)
    make = row_a_turn if note else row_a_conversation
    marked = [item for item in examples if any(message.learn for message in item.messages)]
    made = [row for item in marked for row in make(tokenizer, item)]
    kept = [(row, cut) for row in made if (cut := _cut(row, max_length))]
    rows, lost = [cut for _, cut in kept], sum(labelled(cut) < labelled(row) for row, cut in kept)
    return Rows(rows, len(made) - len(rows), lost, len(examples) - len(marked), note)


def labelled(row: Row) -> int:
    """How many tokens of a row are learned."""
    return sum(label != UNLABELLED for label in row["labels"])


def row_a_conversation(tokenizer: Any, item: Example) -> Iterator[Row]:
    """The whole conversation with the marked turns labelled."""
    turns = turn_spans(tokenizer, _chat(item))
    said = [message for message in item.messages if message.role == "assistant"]
    labels = [UNLABELLED] * len(turns.ids)
    for (start, end), message in zip(turns.spans, said, strict=True):
        if message.learn:
            start += _given(tokenizer, turns.ids[start:end], message.given)
            labels[start:end] = turns.ids[start:end]
    yield {"input_ids": turns.ids, "labels": labels}


def row_a_turn(tokenizer: Any, item: Example) -> Iterator[Row]:
    """The run-time prompt of each marked turn, followed by the turn and its end."""
    chat = _chat(item)
    for number, message in enumerate(item.messages):
        if message.learn:
            turn = last_turn(tokenizer, chat[: number + 1])
            start, end = turn.spans[0]
            start += _given(tokenizer, turn.ids[start:end], message.given)
            yield {"input_ids": turn.ids, "labels": [UNLABELLED] * start + turn.ids[start:end]}


def _given(tokenizer: Any, ids: Sequence[int], characters: int) -> int:
    """How many of a turn's tokens lie wholly in its first so many characters."""
    count = 0
    # A template may open a turn with a space that is no part of what was said.
    while characters and count < len(ids) and len(tokenizer.decode(ids[: count + 1]).lstrip()) <= characters:
        count += 1
    return count


def _chat(item: Example) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in item.messages]


def _cut(row: Row, length: int) -> Row | None:
    """The row up to the end of its last labelled turn within `length` tokens."""
    labels = row["labels"]
    ends = [
        i + 1
        for i in range(min(length, len(labels)))
        if labels[i] != UNLABELLED and (i + 1 == len(labels) or labels[i + 1] == UNLABELLED)
    ]
    return {name: values[: ends[-1]] for name, values in row.items()} if ends else None
