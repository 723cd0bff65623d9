"""Which drafts of a self-instruct round become questions, and why the others do not.

    gate = Gate(task, barred)
    gate.keep(*committed)                           # what earlier rounds kept
    sifted = gate.sift("0003", replies, levels)     # Sifted(pairs=(…), counts={"duplicate": 12, …}, dropped=(…))

A draft must be in the task's form, not among the barred questions nor like one of them, like no example and no
question that was kept before it, and its answer must have room left. It is counted under the first that it fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autoact.core.records import QAPair
from autoact.core.task import Task
from autoact.core.text import line_of
from autoact.models.embeddings import load_embeddings
from autoact.prompts.parse import PairDraft, Pairs
from autoact.prompts.render import pair_text
from autoact.training.duplicates import Known
from autoact.training.form import form_of, problem_of, spelt
from autoact.training.quota import Quota

REASONS = ("malformed", "excluded", "duplicate", "near_duplicate", "over_quota")
SHOWN, LENGTH = 3, 300


@dataclass(frozen=True, slots=True)
class DroppedDraft:
    """One draft that was dropped, shortened; of a barred question no word is kept."""

    reason: str
    detail: str
    text: str


@dataclass(frozen=True, slots=True)
class Sifted:
    """What a round's drafts came to: the new questions, how many were dropped for what, and the first of each."""

    pairs: tuple[QAPair, ...]
    counts: dict[str, int]
    dropped: tuple[DroppedDraft, ...]


class Gate:
    """The questions that are kept, and what a draft must pass to be one of them.

    It is the same after a run is gone on with: all that it knows is the task, the barred questions and `keep`.
    Raises ModelError when the embeddings model of the task cannot be used.
    """

    def __init__(self, task: Task, barred: Sequence[QAPair]) -> None:
        self.pairs: list[QAPair] = []
        self._form = form_of(task.seeds())
        self._barred = Known("guarded", barred, beside=False)
        embed = load_embeddings(task.learn.embeddings) if task.learn.embeddings else None
        self._known = Known(task.learn.duplicates, task.seeds(), embed=embed)
        self._quota = Quota(task.learn.answer_quota, task.learn.questions)

    def keep(self, *pairs: QAPair) -> None:
        """Questions that have passed."""
        for pair in pairs:
            self.pairs.append(pair)
            self._known.add(pair)
            self._quota.add(pair)

    def barred_by_now(self) -> str:
        """How the first kept question that is barred is called there; empty while none is."""
        likes = (self._barred.like(pair) for pair in self.pairs)
        return next((f"{'near' if like.near else 'the same as'} {like.id}" for like in likes if like), "")

    def sift(self, round_id: str, replies: Sequence[Pairs], levels: Sequence[str]) -> Sifted:
        """The new questions in one round's replies, which are kept from here on; a level for each reply."""
        drafts = [(draft, level) for reply, level in zip(replies, levels, strict=True) for draft in reply.drafts]
        read = [_pair(draft, level) for draft, level in drafts]
        self._quota.widen(pair for pair in read if not problem_of(pair, self._form))
        dropped = [DroppedDraft("malformed", bad.reason, bad.text) for reply in replies for bad in reply.malformed]
        kept: list[QAPair] = []
        for pair in read:
            if fault := self._fault(pair):
                dropped.append(fault)
            else:
                kept.append(replace(pair, id=f"q{round_id}-{len(kept):03d}"))
                self.keep(kept[-1])
        counts = Counter(fault.reason for fault in dropped)
        return Sifted(tuple(kept), {reason: counts[reason] for reason in REASONS}, tuple(_first(dropped)))

    def _fault(self, pair: QAPair) -> DroppedDraft | None:
        """Why a pair is dropped, if it is."""
        text = pair_text(pair)
        if problem := problem_of(pair, self._form):
            return DroppedDraft("malformed", problem, text)
        if like := self._barred.like(pair):
            return DroppedDraft("excluded", f"{'near' if like.near else 'the same as'} {like.id}", "")
        if like := self._known.like(pair):
            return DroppedDraft("near_duplicate" if like.near else "duplicate", f"of {like.id}", text)
        if self._quota.full(pair):
            return DroppedDraft("over_quota", f"{self._quota.limit(pair)} questions have this answer", text)
        return None


def _pair(draft: PairDraft, level: str) -> QAPair:
    shown = (draft.choices, draft.context, draft.caption, draft.ocr)
    return spelt(QAPair("", draft.question, draft.answer, *shown, level=level, origin="synthetic"))


def _first(dropped: Sequence[DroppedDraft]) -> Iterator[DroppedDraft]:
    """The first few of each reason, each no longer than a reader wants."""
    for reason in REASONS:
        some = [fault for fault in dropped if fault.reason == reason][:SHOWN]
        yield from (replace(fault, text=line_of(fault.text, LENGTH)) if fault.text else fault for fault in some)
