"""The in-process engine: one thread owns a model and its adapters, and answers many callers in one batch.

    engine = Engine("runs/seed", {"plan": Path("runs/adapters/plan-3fa9c1d2e4b5")})
    future = engine.submit(Request(ids, adapter="plan", max_tokens=20))
    future.result().text
    engine.submit(request, on_text=print)      # the same text, in pieces as they are said
    engine.close()

A new request joins between two decoding steps, so a short one never waits for a long one to end; nor for a long prompt,
which is computed in parts.
A future that its caller cancels, or whose time is over, frees its row. Not covered: more than one device.
"""

from __future__ import annotations

import atexit
import logging
import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from autoact.core.errors import EndpointError, ModelError, PromptTooLong
from autoact.core.text import line_of
from autoact.models.constraint import Grammars
from autoact.models.decoding import Decoder, Done
from autoact.models.profile import Profile
from autoact.models.request import Completion, Job, Request
from autoact.models.threads import compute_with, threads_for

__all__ = ["Completion", "Engine", "EngineClosed", "Request"]

# Logits divided by less would overflow.
COLDEST = 1e-4


class EngineClosed(EndpointError):
    """The engine has ended, and nothing that it is asked will be answered."""


class Engine:
    """Loads the model in `path` (a folder or hub name) with its adapters. Raises ModelError.

    `prefix_bytes` bounds what is kept of finished requests for those that go on from them; 0 keeps nothing.
    `threads` are torch's in the engine's own thread, as models/threads.py chooses them; the process's stay as they are.
    """

    def __init__(
        self,
        path: str,
        adapters: Mapping[str, Path] | None = None,
        *,
        max_batch: int = 64,
        threads: int | None = None,
        prefix_bytes: int = 1 << 30,
    ) -> None:
        from autoact.models.chat_format import prepare
        from autoact.models.network import Network
        from autoact.models.weights import model_folder

        self.folder = model_folder(path)
        self.adapters = dict(adapters or {})
        self.tokenizer = load_tokenizer(self.folder)
        if note := prepare(self.tokenizer):
            logging.getLogger(__name__).info("%s: %s", self.folder, note)
        network = Network(self.folder, self.adapters)
        self.max_positions, self._vocabulary = network.max_positions, network.vocabulary
        self._profile = Profile(self.folder.name)
        self._decoder = Decoder(network, self.tokenizer, self._profile, prefix_bytes)
        self._grammars = Grammars(self.tokenizer, self._decoder.ends)
        self._max_batch = max_batch
        self._threads = threads_for(network.size) if threads is None else threads
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting: deque[Job] = deque()
        self._lock = threading.Lock()
        self._closed = False
        self._in_flight: list[Job] = []
        self._thread = threading.Thread(target=self._run, name=f"engine {self.folder.name}", daemon=True)
        self._thread.start()
        # A thread that is still in torch when Python ends aborts the process.
        atexit.register(self.close)

    def submit(self, request: Request, on_text: Callable[[str], None] | None = None) -> Future[Completion]:
        """Queue `request`. Raises PromptTooLong, EngineClosed, and ModelError on a setting that cannot be met.

        `on_text` is called in the engine's thread with pieces that make up the completion's text, before the
        future is done; what it raises becomes the future's exception.
        """
        self._check(request)
        future: Future[Completion] = Future()
        tell = on_text and _guarded(on_text, future)
        job = Job(request, future, tell, self._grammars.constraint(request.regex) if request.regex else None)
        with self._lock:
            if not self.alive:
                raise EngineClosed("the engine is closed, or is another process's; make a new one")
            self._queue.put(job)
        return future

    @property
    def alive(self) -> bool:
        """Whether it answers what it is asked."""
        return self._thread.is_alive() and not self._closed

    def profile(self) -> dict[str, Any]:
        """What was computed so far, as models/profile.py has it."""
        return self._profile.to_json()

    def close(self) -> None:
        """Fail what is pending with EngineClosed and end the thread."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        if threading.current_thread() is self._thread:  # a callback's doing: the thread ends once that returns
            return
        self._thread.join()
        atexit.unregister(self.close)

    def require_room(self, prompt: int, max_tokens: int) -> None:
        """Raises PromptTooLong when a prompt of so many tokens and its reply do not fit the model's window."""
        if self.max_positions is not None and prompt + max_tokens > self.max_positions:
            raise PromptTooLong(
                f"the prompt has {prompt} tokens and {max_tokens} more were asked for, but "
                f"the model's window is {self.max_positions}: shorten the conversation or lower max_tokens"
            )

    def _check(self, request: Request) -> None:
        if request.adapter is not None and request.adapter not in self.adapters:
            known = ", ".join(self.adapters) or "none"
            raise ModelError(f"no adapter {request.adapter!r} in this engine; it has: {known}")
        if not request.ids or request.max_tokens < 1 or "" in request.stop:
            raise ModelError("a request needs a prompt, max_tokens ≥ 1 and no empty stop string")
        if max(request.ids) >= self._vocabulary or min(request.ids) < 0:
            raise ModelError(
                f"token {max(request.ids)} is none of the {self._vocabulary} that {self.folder} has: its tokenizer is "
                "of another model"
            )
        if request.seconds is not None and not request.seconds > 0:
            raise ModelError(f"a request cannot be done in {request.seconds} seconds; give it more")
        if request.temperature != 0 and not COLDEST <= request.temperature < math.inf:
            raise ModelError(
                f"no temperature {request.temperature}: use 0 for the likeliest token, or {COLDEST} and up"
            )
        self.require_room(len(request.ids), request.max_tokens)

    def _run(self) -> None:
        try:
            import torch

            compute_with(self._threads)
            with torch.inference_mode():
                while self._turn():
                    pass
        finally:
            with self._lock:
                self._closed = True
            _fail(self._left(), EngineClosed("the engine was closed before it could answer"))
            self._decoder.release()  # who still holds the engine holds no weights by it

    def _turn(self) -> bool:
        """Let newcomers in and decode one step; False once the engine is closed."""
        newcomers = self._take()
        if newcomers is None:
            return False
        self._in_flight = [*newcomers, *self._decoder.jobs]
        try:
            for done in self._decoder.admit(newcomers):
                _answer(done)
            _answer(self._decoder.step())
        except BaseException as problem:  # be it a panic in Rust: its callers must hear of it and the thread live on
            self._decoder.clear()
            _fail(self._in_flight, _ordinary(problem))
        return True

    def _take(self) -> list[Job] | None:
        """The jobs there is room for, waiting for one when there is nothing to do; None to close."""
        if self._closed or not self._hear():
            _fail(self._waiting, EngineClosed("the engine was closed before it could answer"))
            return None
        _fail_late([*self._waiting, *self._decoder.jobs])
        jobs: list[Job] = []
        room = self._max_batch - len(self._decoder.jobs)
        while self._waiting and len(jobs) < room:
            job = self._waiting.popleft()
            if not job.future.done():
                jobs.append(job)
        return jobs

    def _hear(self) -> bool:
        """Note what has been asked, waiting for it when there is nothing to do; False to close."""
        while True:
            try:
                job = self._queue.get(block=not self._waiting and not self._decoder.jobs)
            except queue.Empty:
                return True
            if job is None:
                return False
            self._waiting.append(job)

    def _left(self) -> list[Job]:
        jobs = [*self._in_flight, *self._waiting]
        while not self._queue.empty():
            job = self._queue.get()
            if job is not None:
                jobs.append(job)
        return jobs


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in `folder`. Raises ModelError."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as problem:  # every part of a tokenizer's files has its own way to be wrong
        raise ModelError(
            f"{folder} has no tokenizer that loads ({line_of(problem)}); save one beside the model"
        ) from problem


def _guarded(on_text: Callable[[str], None], future: Future[Completion]) -> Callable[[str], None]:
    def tell(piece: str) -> None:
        if future.done():
            return
        try:
            on_text(piece)
        except BaseException as problem:  # a listener's mistake is no concern of the other rows
            if future.set_running_or_notify_cancel():
                future.set_exception(problem)

    return tell


def _ordinary(problem: BaseException) -> Exception:
    """The problem as one that a caller can handle."""
    if isinstance(problem, Exception):
        return problem
    return RuntimeError(f"the engine failed: {type(problem).__name__}: {line_of(problem)}")


def _answer(done: Done) -> None:
    _fail_late(row.job for row, _ in done)
    for row, completion in done:
        future = row.job.future
        if not future.done() and future.set_running_or_notify_cancel():
            future.set_result(completion)


def _fail_late(jobs: Iterable[Job]) -> None:
    for job in jobs:
        if job.late:
            _fail([job], TimeoutError(f"the model took longer than {job.request.seconds:g} seconds"))


def _fail(jobs: Iterable[Job], problem: Exception) -> None:
    for job in jobs:
        if not job.future.done() and job.future.set_running_or_notify_cancel():
            job.future.set_exception(problem)
