"""The graphs of a method, its models loaded for as long as it is played and given back before the next one's.

with method_graphs(method, run, trial) as graph_of:
    graph_of("q17")         # the same for every question, unless each has paragraphs of its own to search
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autoact.eval.methods import Method
from autoact.eval.playing import GraphOf
from autoact.eval.trial_folder import Trial
from autoact.graph.run_folder import Planner, RunFolder
from autoact.models.load import close_model


@contextmanager
def method_graphs(method: Method, run: RunFolder, trial: Trial) -> Iterator[GraphOf]:
    """The compiled graph for a question's id. Raises ModelError or RunError when models or tools cannot be had."""
    shots, benchmark = trial.shots[: method.shots], trial.benchmark
    setup = run.setup(method.speakers, benchmark.corpus, shots)
    shared = method.build(setup).compile(name=method.id)

    def graph_of(question_id: str) -> Planner:
        if question_id not in benchmark.corpora:
            return shared
        own = run.setup(method.speakers, benchmark.corpora[question_id], shots, setup.models)
        return method.build(own).compile(name=method.id)

    try:
        yield graph_of
    finally:
        for model in {id(model): model for model in setup.models.values()}.values():
            close_model(model)
