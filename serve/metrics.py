"""What Prometheus reads at /metrics: what an engine computed and for whom, and how the questions of a team went.

meter = Meter()
meter.ended(answer, seconds=0.8)
exposed(meter.registry)                       # the response
exposed(engine_metrics(engine))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fastapi import Response
from langchain_core.language_models import BaseChatModel
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from autoact.models.engine import Engine
from autoact.models.local import LocalChatModel
from autoact.serve.schema import Answer

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Meter:
    """The questions of a team, counted as they end; with models in this process, their engine too."""

    def __init__(self, models: Mapping[str, BaseChatModel] | None = None) -> None:
        self.registry = CollectorRegistry()
        self._questions = Counter(
            "autoact_questions", "Questions played, by how they ended.", ["status"], registry=self.registry
        )
        self._seconds = Histogram(
            "autoact_question_seconds", "How long a question took.", buckets=SECONDS, registry=self.registry
        )
        self._calls = Counter("autoact_calls", "Calls of models, by role.", ["role"], registry=self.registry)
        self._tokens = Counter(
            "autoact_tokens", "Tokens read and written, by role.", ["role", "direction"], registry=self.registry
        )
        for engine in {model.engine for model in (models or {}).values() if isinstance(model, LocalChatModel)}:
            self.registry.register(_Engine(engine))

    def ended(self, answer: Answer, seconds: float) -> None:
        """A question has been played, or waits for a human."""
        self._questions.labels(answer.status).inc()
        self._seconds.observe(seconds)
        for role, spent in answer.usage.items():
            self._calls.labels(role).inc(spent.calls)
            self._tokens.labels(role, "read").inc(spent.input_tokens)
            self._tokens.labels(role, "written").inc(spent.output_tokens)


def engine_metrics(engine: Engine) -> CollectorRegistry:
    """What an engine computed, read anew at each scrape."""
    registry = CollectorRegistry()
    registry.register(_Engine(engine))
    return registry


def exposed(registry: CollectorRegistry) -> Response:
    """The response to a scrape."""
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Engine(Collector):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts of now."""
        profile = self._engine.profile()
        tokens = CounterMetricFamily(
            "autoact_engine_tokens", "Tokens computed, reused and written, by speaker.", labels=["speaker", "kind"]
        )
        requests = CounterMetricFamily("autoact_engine_requests", "Requests let in, by speaker.", labels=["speaker"])
        queued = CounterMetricFamily(
            "autoact_engine_queue_seconds", "Seconds that requests waited.", labels=["speaker"]
        )
        for name, spent in profile["spent"].items():
            for kind in ("prefilled", "reused", "decoded"):
                tokens.add_metric([name, kind], spent[kind])
            requests.add_metric([name], spent["requests"])
            queued.add_metric([name], spent["queued"])
        steps = CounterMetricFamily("autoact_engine_steps", "Decoding steps.", value=profile["steps"])
        rows = CounterMetricFamily("autoact_engine_rows", "Rows in those steps.", value=profile["rows"])
        yield from (tokens, requests, queued, steps, rows)
