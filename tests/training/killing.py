"""Learn, be killed, go on, again and again, in forks of one process, which has imported everything once.

    python killing.py FOLDER KILLS MEAN_SECONDS [SETTING=JSON …]

learns the toy task into FOLDER/whole without a kill, and into FOLDER/0, FOLDER/1, … with a kill -9 after random times,
until there were so many kills; the last run is let through to its end. After each kill no file may have lost a whole
line that it had before. The test compares what the runs ended with.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from autoact.core.progress import Silent
from autoact.training import losses, sft  # noqa: F401 - a fork begins with them imported
from autoact.training.learn import learn

town = import_module("town")  # beside this file


def main(folder: Path, kills: int, mean: float, settings: dict[str, object]) -> None:
    import_heavy()
    rng = random.Random(0)

    def into(run: Path) -> Callable[[], object]:
        return lambda: learn(town.town_task(folder, **settings), run, Silent(), town.meta_agent(0.002))

    ended(fork(into(folder / "whole")))
    number = 0
    while kills:
        run, before = folder / str(number), dict[Path, bytes]()
        while True:
            child = fork(into(run))
            if not kills:
                ended(child)
                break
            if over(child, time.monotonic() + rng.expovariate(1 / mean)):
                break
            kills -= 1
            before = grown(run, before)
        number += 1
    print(number)


def import_heavy() -> None:
    """What a learning run imports on its way."""
    import datasets  # noqa: F401
    import peft  # noqa: F401
    import torch
    import transformers  # noqa: F401
    import trl  # noqa: F401

    torch.set_num_threads(1)  # a pool of threads does not outlive a fork


def fork(work: Callable[[], object]) -> int:
    """The process id of a child that does the work."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def over(child: int, deadline: float) -> bool:
    """Whether the child came to its end before it was killed."""
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, status
            return True
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return status == 0


def ended(child: int) -> None:
    _, status = os.waitpid(child, 0)
    assert status == 0, status


def grown(run: Path, before: dict[Path, bytes]) -> dict[Path, bytes]:
    """The whole lines of every file of records; each begins with what it held before."""
    now = {path: path.read_bytes().rpartition(b"\n")[0] for path in run.rglob("*.jsonl")}
    for path, content in before.items():
        assert now.get(path, b"").startswith(content), f"{path} has lost a record"
    return now


if __name__ == "__main__":
    given = dict(setting.split("=", 1) for setting in sys.argv[4:])
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), {k: json.loads(v) for k, v in given.items()})
