"""The one place where an error becomes a line and an exit code.

bad input, a failed server, a reader that went away    one line on stderr, exit 2
a path too long for any file, a GPU that is full       the same
Ctrl-C                                                 one line on stderr, exit 130
anything else                                          a traceback: our bug
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from autoact.cli.display import one_line
from autoact.core.errors import AutoActError


@contextmanager
def reported(resumes: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Turns what this package raises on purpose into one line on stderr and an exit code.

    `resumes` says whether the command, if given again, goes on where Ctrl-C stopped it.
    """
    try:
        try:
            yield
            sys.stdout.flush()
        except BaseExceptionGroup as group:
            raise _cause(group) from None
    except AutoActError as problem:
        raise _exit(str(problem), 2) from problem
    except KeyboardInterrupt:
        again = "; the same command goes on where it stopped" if resumes() else ""
        raise _exit(f"stopped{again}", 130) from None
    except BrokenPipeError:
        # What is still buffered would be flushed at exit and raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _exit("the output is no longer read", 2) from None
    except RuntimeError as problem:
        if type(problem).__name__ != "OutOfMemoryError":  # torch's, which is not imported to be asked
            raise
        advice = "load the base in fewer bits (learn.quantize), or lower learn.batch_size or learn.max_length"
        raise _exit(f"the GPU has no memory left; {advice}", 2) from problem
    except OSError as problem:
        if problem.errno != errno.ENAMETOOLONG:
            raise
        raise _exit(f"{str(problem.filename)[:60]}… is too long for the name of a file; correct it", 2) from None


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error raised on purpose, if nothing else went wrong beside it; else the group."""
    ours, others = group.split(AutoActError)
    while ours is not None and others is None:
        first = ours.exceptions[0]
        if not isinstance(first, BaseExceptionGroup):
            return first
        ours = first
    return group


def _exit(line: str, code: int) -> typer.Exit:
    print(f"autoact: {one_line(line)}", file=sys.stderr)
    return typer.Exit(code)
