"""An error is one line on stderr and an exit code; only our own bugs are tracebacks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from autoact.cli.errors import reported
from autoact.core.errors import EndpointError, ModelError, RunError, TaskError, UserError

Program = Callable[..., subprocess.CompletedProcess[str]]


def code_of(problem: BaseException) -> int:
    with pytest.raises(typer.Exit) as caught, reported():
        raise problem
    return caught.value.exit_code


@pytest.mark.parametrize("kind", [UserError, TaskError, ModelError, RunError, EndpointError])
def test_bad_input_and_dead_servers_exit_with_2(kind: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(kind("the file\nis bad\x1b[2J")) == 2
    assert capsys.readouterr() == ("", "autoact: the file is bad\\x1b[2J\n")


def test_ctrl_c_exits_with_130_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(KeyboardInterrupt()) == 130
    assert "the same command goes on where it stopped" in capsys.readouterr().err


def test_an_error_out_of_a_task_group_is_still_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    full = RunError("the disk is full")
    assert code_of(BaseExceptionGroup("tasks", [ExceptionGroup("inner", [full]), RunError("other")])) == 2
    assert capsys.readouterr().err == "autoact: the disk is full\n"


def test_a_bug_stays_a_traceback() -> None:
    with pytest.raises(ZeroDivisionError), reported():
        raise ZeroDivisionError
    group = ExceptionGroup("tasks", [RunError("a"), ZeroDivisionError()])
    with pytest.raises(ExceptionGroup) as caught, reported():
        raise group
    assert caught.value is group


def test_a_reader_that_goes_away_is_one_line(tmp_path: Path) -> None:
    code = "from autoact.cli.errors import reported\nwith reported():\n    print('x' * 100_000)"
    (tmp_path / "say.py").write_text(code, "utf-8")
    import sys

    with subprocess.Popen(
        [sys.executable, str(tmp_path / "say.py")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
    assert said.splitlines()[0] == "autoact: the output is no longer read"
    assert "BrokenPipe" not in said


def test_a_full_gpu_is_one_line_that_says_what_takes_less(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    assert code_of(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")) == 2
    assert "the GPU has no memory left; load the base in fewer bits (learn.quantize)" in capsys.readouterr().err
    with pytest.raises(RuntimeError), reported():
        raise RuntimeError
