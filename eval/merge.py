"""Take over what shards played: their records, by id, become those of the trial.

    RUN/eval/<trial>/shards/1-of-2/react.jsonl  ┐
    RUN/eval/<trial>/shards/2-of-2/react.jsonl  ┴→  RUN/eval/<trial>/react.jsonl

Folders of other machines are put beside one another before; what none of them has is played here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autoact.core.progress import Progress
from autoact.core.records import Scored
from autoact.core.shard import take_over
from autoact.core.store import Store
from autoact.eval.trial_folder import Trial, write_settings


def take_shards(
    trial: Trial, method: str, settings: Mapping[str, Any], store: Store[Scored], progress: Progress
) -> None:
    """Append what the store lacks; of two records of one play the first is kept, and it is said.

    Raises RunError when a shard was played under other settings.
    """
    for path in sorted(trial.folder.glob(f"shards/*/{method}.jsonl")):
        write_settings(replace(trial, folder=path.parent), {method: settings})
        take_over(store, Store(path, Scored), progress)
