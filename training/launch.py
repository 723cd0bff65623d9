"""Training of one adapter by other processes, started and waited for: one a GPU (`learn.deepspeed`), or one in all.

    adapter = train_on_gpus("plan", "path/or/hub/name", examples, LearnConfig(deepspeed="zero3"), out, step)
    adapter = train_on_gpu("1", "plan", "path/or/hub/name", examples, LearnConfig(), out, step)

It is train_adapter in those processes: this module is what they run, torchrun starts them where they are several, and
a folder beside the adapter holds what they are told and what they answer.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from time import monotonic

from autoact.core.errors import RunError, UserError
from autoact.core.learning import LearnConfig
from autoact.core.records import Example, from_json, to_json
from autoact.core.store import Store, read_json, write_json, writing
from autoact.training.distributed import world
from autoact.training.sft import Adapter, train_adapter
from autoact.training.watching import Curve, Step

MARK = "autoact-step "  # before what a worker says of its progress, among whatever else is printed


def train_on_gpus(
    role: str,
    base: str,
    examples: Sequence[Example],
    config: LearnConfig,
    out: Path,
    step: Step | None = None,
    processes: int = 0,
) -> Adapter:
    """Train as train_adapter does. `processes` is 0 for one a GPU, or one in all without any.

    Raises RunError with the line that the processes failed with.
    """
    return _train([*_torchrun(processes or _gpus())], os.environ, role, base, examples, config, out, step)


def train_on_gpu(
    gpu: str,
    role: str,
    base: str,
    examples: Sequence[Example],
    config: LearnConfig,
    out: Path,
    step: Step | None = None,
    until: float = inf,
) -> Adapter:
    """Train as train_adapter does, in a process that sees one GPU; `gpu` is its name in CUDA_VISIBLE_DEVICES.

    The budget is spent when the clock `monotonic`, which all processes share, says `until`. Raises RunError with the
    line that the process failed with.
    """
    seeing = {**os.environ, "CUDA_VISIBLE_DEVICES": gpu}
    return _train([sys.executable, "-m"], seeing, role, base, examples, config, out, step, until)


def _train(
    starter: Sequence[str],
    environment: Mapping[str, str],
    role: str,
    base: str,
    examples: Sequence[Example],
    config: LearnConfig,
    out: Path,
    step: Step | None,
    until: float = inf,
) -> Adapter:
    """Have this module run by what the starter starts."""
    job = out / f".{role}.job"
    with writing(job):
        shutil.rmtree(job, ignore_errors=True)
        job.mkdir(parents=True)
    try:
        # A store keeps one record of an id, and a user's file may hold several.
        rows = (replace(item, id=str(number)) for number, item in enumerate(examples))
        Store(job / "examples.jsonl", Example).append(*rows)
        told = {"role": role, "base": base, "config": config.model_dump(mode="json"), "out": str(out.absolute())}
        write_json(job / "job.json", told | {"until": until})
        last = _run([*starter, __spec__.name, str(job)], environment, step)
        return _answer(job, out, f"training the {role} adapter failed: {last}")
    finally:
        shutil.rmtree(job, ignore_errors=True)


def _torchrun(processes: int) -> list[str]:
    here = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--max-restarts", "0"]
    return [*here, "--nproc-per-node", str(processes), "-m"]


def _gpus() -> int:
    import torch

    return max(torch.cuda.device_count(), 1)


def _run(command: Sequence[str], environment: Mapping[str, str], step: Step | None) -> str:
    """Run it to its end, passing its progress on; the last other line that it printed.

    If this process dies, the workers do at their next step: nobody reads what they print.
    """
    last = "nothing was printed"
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as run:
        try:
            for line in run.stdout or ():
                if line.startswith(MARK) and step:
                    at, total, loss = json.loads(line.removeprefix(MARK))
                    step(at, total, loss)
                elif line.strip() and not line.startswith(MARK):
                    last = line.strip()
        except BaseException:
            run.terminate()
            raise
    return last


def _answer(job: Path, out: Path, failure: str) -> Adapter:
    """What the workers wrote: the adapter, or the line with which they gave up."""
    if (job / "adapter.json").exists():
        told = read_json(job / "adapter.json")
        return Adapter(**{**told, "path": out / told["path"], "curve": from_json(Curve, told["curve"])})
    problem = job / "problem.txt"
    raise RunError(problem.read_text("utf-8") if problem.exists() else failure)


def work(job: Path) -> None:
    """What each process does."""
    told = read_json(job / "job.json")
    examples = list(Store(job / "examples.jsonl", Example))
    config, out = LearnConfig.model_validate(told["config"]), Path(told["out"])
    try:
        made = train_adapter(
            told["role"], told["base"], examples, config, out, _tell, lambda: monotonic() >= told["until"]
        )
    except UserError as problem:
        if world().leads:
            (job / "problem.txt").write_text(str(problem), "utf-8")
        raise SystemExit(2) from problem
    if world().leads:
        write_json(job / "adapter.json", to_json(made) | {"path": made.path.name})


def _tell(at: int, total: int, loss: float) -> None:
    print(MARK + json.dumps([at, total, loss]), flush=True)


if __name__ == "__main__":
    work(Path(sys.argv[1]))
