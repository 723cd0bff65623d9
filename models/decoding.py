"""Continuous batching: requests join between two decoding steps and leave as soon as they are done.

    decoder = Decoder(network, tokenizer, profile)
    while newcomers or decoder.jobs:
        for done in decoder.admit(newcomers):      # prefill; they are rows in flight from then on
            answer(done)
        answer(decoder.step())

What a row gets never depends on its neighbours: its own mask, positions, adapter and random numbers.
(Batches of other shapes round their last bits differently, so an exact tie may still fall either way.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from autoact.models.chat_format import closing_ids
from autoact.models.kv import Window
from autoact.models.network import Network
from autoact.models.prefill import MAX_TOKENS, Newcomer, further, groups_of_similar_length, newest, prefill
from autoact.models.prefix import WORTH, Prefix, PrefixStore
from autoact.models.profile import Profile
from autoact.models.request import Completion, Finish, Job, Request
from autoact.models.speech import Speech, alphabet


@dataclass(slots=True)
class Row:
    """A request in flight: what it has said so far, and a number in [0, 1) for each token it may sample."""

    job: Job
    draws: Sequence[float]
    speech: Speech | None
    tokens: list[int] = field(default_factory=list)


Done = list[tuple[Row, Completion]]


class Decoder:
    """The rows in flight and their keys and values; to be used from one thread."""

    def __init__(self, network: Network, tokenizer: Any, profile: Profile, prefix_bytes: int = 0) -> None:
        self.rows: list[Row] = []
        self._profile = profile
        self.ends = network.end_ids | closing_ids(tokenizer)
        self._network = network
        self._letters = alphabet(tokenizer)
        self._window = Window(network.layers)
        self._long: list[Newcomer] = []
        self._prefixes = PrefixStore(prefix_bytes) if prefix_bytes else None

    @property
    def jobs(self) -> list[Job]:
        """Those in flight, and those whose long prompts are still to be computed."""
        return [*(row.job for row in self.rows), *(newcomer.job for newcomer in self._long)]

    def clear(self) -> None:
        self.rows.clear()
        self._long.clear()
        self._window.clear()

    def release(self) -> None:
        """Let go of the weights and of all that was kept; it decodes no more."""
        self.clear()
        self._prefixes = None
        del self._network

    def admit(self, jobs: Sequence[Job]) -> Iterator[Done]:
        """Prefill `jobs`, pass by pass, and sample their first tokens; those that are done by then.

        Where it takes long, the rows in flight decode a step in between. Of prompts that take several passes one
        pass is computed each time, so that others may be admitted and steps be decoded before the next.
        """
        openers = self._openers([job for job in jobs if len(job.request.ids) <= MAX_TOKENS]) if self._prefixes else []
        yield from self._admit(openers)
        yield from self._admit([job for job in jobs if job not in openers])
        yield self._go_on()

    def _openers(self, jobs: Sequence[Job]) -> list[Job]:
        """The first of those that begin alike and as nothing that is kept: the others go on from what it computes."""
        first: dict[tuple[str | None, tuple[int, ...]], Job] = {}
        for job in jobs:
            first.setdefault((job.request.adapter, tuple(job.request.ids[:WORTH])), job)
        return [job for job in first.values() if not self._known(job.request).length] if len(first) < len(jobs) else []

    def _admit(self, jobs: Sequence[Job]) -> Iterator[Done]:
        computed = 0
        newcomers = [Newcomer(job, self._known(job.request)) for job in jobs]
        # What is known of a long one is looked up when its turn comes: by then it may be more.
        self._long += [Newcomer(newcomer.job, Prefix(0, [])) for newcomer in newcomers if newcomer.long]
        newcomers = [newcomer for newcomer in newcomers if not newcomer.long]
        for newcomer in newcomers:
            self._count(newcomer)
        for group in groups_of_similar_length(newcomers):
            if computed >= MAX_TOKENS:
                yield self.step()
                computed = 0
            computed += len(group) * max(len(newcomer.new) for newcomer in group)
            yield self._join(group)

    def _join(self, group: Sequence[Newcomer]) -> Done:
        """One pass for what is new of some prompts, which are rows from then on."""
        first, logits = len(self.rows), prefill(self._network, self._window, group)
        self.rows += [self._row(newcomer.job) for newcomer in group]
        for newcomer in group:
            self._profile.of(newcomer.job.request.adapter).prefilled += len(newcomer.new)
        self._remember(at for at, newcomer in enumerate(group, first) if not newcomer.prefix.length)
        return self._advance(first, logits)

    def _go_on(self) -> Done:
        """One pass for the first of the long prompts; with the last it becomes a row."""
        self._long = [newcomer for newcomer in self._long if not newcomer.job.future.done()]
        if not self._long:
            return []
        newcomer = self._long.pop(0)
        if not newcomer.prefix.length:
            newcomer = Newcomer(newcomer.job, self._known(newcomer.job.request))
            self._count(newcomer)
        if not newcomer.long:
            return self._join([newcomer])
        self._long.insert(0, self._part(newcomer))
        return []

    def _part(self, newcomer: Newcomer) -> Newcomer:
        """`newcomer` with one pass more of its prompt computed and kept."""
        request, prefix = newcomer.job.request, further(self._network, newcomer)
        self._profile.of(request.adapter).prefilled += prefix.length - newcomer.prefix.length
        if self._prefixes is not None:
            self._prefixes.keep(request.adapter, request.ids[: prefix.length], prefix.layers)
        return Newcomer(newcomer.job, prefix)

    def step(self) -> Done:
        """One more token for every row; the rows that are done with it."""
        self._leave([at for at, row in enumerate(self.rows) if row.job.future.done()])
        if not self.rows:
            return []
        self._profile.stepped(len(self.rows))
        self._window.open_column()
        last = [row.tokens[-1:] for row in self.rows]
        adapters = [row.job.request.adapter for row in self.rows]
        return self._advance(0, newest(self._network, self._window, 0, last, adapters))

    def _row(self, job: Job) -> Row:
        return Row(job, _draws(job.request), Speech(job.tell, self._letters, job.request.stop) if job.tell else None)

    def _advance(self, first: int, logits: Any) -> Done:
        """Give the rows from `first` on their next token; take out those that are done."""
        self._choose(self.rows[first:], logits)
        leaving = {at: why for at in range(first, len(self.rows)) if (why := self._finish(self.rows[at]))}
        done = [(self.rows[at], self._completion(self.rows[at], why)) for at, why in leaving.items()]
        for at, row in enumerate(self.rows[first:], first):
            if row.speech and at not in leaving:
                row.speech.hear(row.tokens[-1])
        for row, completion in done:
            if row.speech:
                row.speech.end(completion.text)
        self._remember(leaving)
        self._leave(leaving)
        return done

    def _choose(self, rows: Sequence[Row], logits: Any) -> None:
        for at, row in enumerate(rows):
            if row.job.constraint:
                row.job.constraint.narrow(logits[at])
        for row, token in zip(rows, choose(logits, rows), strict=True):
            row.tokens.append(token)
            self._profile.of(row.job.request.adapter).decoded += 1
            if row.job.constraint:
                row.job.constraint.accept(token)

    def _count(self, newcomer: Newcomer) -> None:
        spent = self._profile.of(newcomer.job.request.adapter)
        spent.requests += 1
        spent.reused += newcomer.prefix.length
        spent.queued += monotonic() - newcomer.job.since

    def _known(self, request: Request) -> Prefix:
        return self._prefixes.find(request.adapter, request.ids) if self._prefixes else Prefix(0, [])

    def _remember(self, rows: Iterable[int]) -> None:
        """Keep what was computed for rows: all tokens but the last, which was only sampled."""
        if self._prefixes is None:
            return
        for at in rows:
            row = self.rows[at]
            ids = [*row.job.request.ids, *row.tokens[:-1]]
            self._prefixes.keep(row.job.request.adapter, ids, self._window.row(at))

    def _leave(self, leaving: Iterable[int]) -> None:
        for at in sorted(leaving, reverse=True):
            self._window.drop(at)
            self.rows[at] = self.rows[-1]
            self.rows.pop()

    def _finish(self, row: Row) -> Finish | None:
        request = row.job.request
        if row.tokens[-1] in self.ends or (request.stop and self._stopped(row)):
            return "stop"
        return "length" if len(row.tokens) >= request.max_tokens else None

    def _stopped(self, row: Row) -> bool:
        stop, longest = row.job.request.stop, max(map(len, row.job.request.stop))
        # A stop string of n bytes lies within the last n tokens that write; the rest is spared the decoding.
        size = max(len(word.encode(errors="replace")) for word in stop) + 4
        while size < len(row.tokens) and len(self._letters.decode(row.tokens[-size:-1])) < longest + 3:
            size *= 2
        tail = self._letters.decode(row.tokens[-size:])
        return any(word in tail for word in stop)

    def _completion(self, row: Row, why: Finish) -> Completion:
        text = self._letters.decode(row.tokens[:-1] if row.tokens[-1] in self.ends else row.tokens)
        cut = min((text.find(word) for word in row.job.request.stop if word in text), default=len(text))
        return Completion(text[:cut], len(row.job.request.ids), tuple(row.tokens), why)


def choose(logits: Any, rows: Sequence[Row]) -> list[int]:
    """Each row's next token: the likeliest, or drawn from the whole softmax with the row's own number."""
    import torch

    tokens: list[int] = logits.argmax(-1).tolist()
    warm = [at for at, row in enumerate(rows) if row.job.request.temperature > 0]
    if warm:
        heat = [[rows[at].job.request.temperature] for at in warm]
        draw = [[rows[at].draws[len(rows[at].tokens)]] for at in warm]
        scaled = logits[warm].double() / torch.tensor(heat, dtype=torch.float64, device=logits.device)
        total = scaled.softmax(-1).cumsum(-1)
        aim = torch.tensor(draw, dtype=torch.float64, device=logits.device) * total[:, -1:]
        drawn = torch.searchsorted(total, aim, right=True).clamp(max=logits.shape[-1] - 1)
        for at, token in zip(warm, drawn[:, 0].tolist(), strict=True):
            tokens[at] = token
    return tokens


def _draws(request: Request) -> Sequence[float]:
    import torch

    if not request.temperature:
        return ()
    generator = torch.Generator()
    if request.seed is None:
        generator.seed()
    else:
        generator.manual_seed(request.seed % 2**63)
    draws: list[float] = torch.rand(request.max_tokens, generator=generator, dtype=torch.float64).tolist()
    return draws
