"""Where an adapter lies while it is trained: checkpoints to go on from after a kill, and the adapter of every epoch.

    draft = open_draft(out / ".plan.part", of={"rows": "3fa9…", "lora_rank": 8})
    draft.checkpoint()             # the last whole one, or None
    publish(draft.epoch(3), out, "plan")       # out/plan-3fa9c1d2e4b5
    draft.discard()

A draft of other rows or settings is begun again. Checkpoints are transformers' own: it reads their pickles with
`weights_only`, so that none of them can run code, and they go when training ends.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoact.core.store import read_json, write_json, writing

WHOLE = "whole.json"  # in a checkpoint that was written to its end
OF = "of.json"
STOPPED = "stopped.json"
SETTINGS, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Draft:
    """A folder of checkpoints and epochs."""

    folder: Path

    def checkpoint(self) -> Path | None:
        """The last checkpoint that is whole."""
        whole = [path.parent for path in self.folder.glob(f"checkpoint-*/{WHOLE}")]
        return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def finish(self, step: int, seconds: float) -> None:
        """Note that the checkpoint of a step is whole, and the seconds of training up to it; older ones go."""
        write_json(self.folder / f"checkpoint-{step}" / WHOLE, {"seconds": seconds})
        self.tidy()

    def tidy(self) -> None:
        """Remove all checkpoints but the last whole one."""
        last = self.checkpoint()
        for path in self.folder.glob("checkpoint-*"):
            if path != last:
                shutil.rmtree(path)

    def seconds(self) -> float:
        """Seconds of training up to the last whole checkpoint."""
        last = self.checkpoint()
        return float(read_json(last / WHOLE)["seconds"]) if last else 0.0

    def history(self) -> list[dict[str, Any]]:
        """What the trainer had logged up to the last whole checkpoint."""
        last = self.checkpoint()
        return list(read_json(last / "trainer_state.json")["log_history"]) if last else []

    def stop(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Note that a budget ended training, and what the trainer had logged: nothing more is trained."""
        write_json(self.folder / STOPPED, list(history))

    def stopped(self) -> list[dict[str, Any]] | None:
        """What the trainer had logged when a budget ended training; None when none did."""
        path = self.folder / STOPPED
        return list(read_json(path)) if path.exists() else None

    def epoch(self, number: int) -> Path:
        """Where the adapter lies as it was after an epoch, counted from one."""
        return self.folder / f"epoch-{number}"

    def discard(self) -> None:
        """Remove it; renamed first, so that a kill leaves none that is half there."""
        gone = self.folder.with_name(self.folder.name + ".gone")
        shutil.rmtree(gone, ignore_errors=True)
        if self.folder.exists():
            self.folder.replace(gone)
            shutil.rmtree(gone, ignore_errors=True)


def open_draft(folder: Path, of: Mapping[str, Any]) -> Draft:
    """The draft of what is described by `of`, with no checkpoint that a kill tore. Raises RunError."""
    draft, meant = Draft(folder), json.loads(json.dumps(of))
    with writing(folder / OF):
        if not (folder / OF).exists() or read_json(folder / OF) != meant:
            draft.discard()
            write_json(folder / OF, meant)
        draft.tidy()
    return draft


def publish(source: Path, out: Path, role: str) -> Path:
    """Copy an adapter of a draft to a folder that is named by the hash of its weights, and never written to again."""
    digest = hashlib.sha256((source / WEIGHTS).read_bytes()).hexdigest()[:12]
    path, new = out / f"{role}-{digest}", out / f".{role}.new"
    if not path.exists():
        with writing(new):
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            shutil.copyfile(source / WEIGHTS, new / WEIGHTS)
            write_json(new / SETTINGS, _in_order(read_json(source / SETTINGS)))
            new.replace(path)
    _keep_logs(source.parent / "runs", out / "logs" / path.name)
    return path


def _keep_logs(written: Path, kept: Path) -> None:
    """Move what transformers' reporters to files, such as TensorBoard's, wrote into the draft."""
    if written.exists() and not kept.exists():
        with writing(kept):
            written.replace(kept)


def _in_order(settings: dict[str, Any]) -> dict[str, Any]:
    """PEFT keeps module names as a set, whose order is another in each process."""
    names = settings.get("target_modules")
    return settings | ({"target_modules": sorted(names)} if isinstance(names, list) else {})
