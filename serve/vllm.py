"""vLLM as a child process: a team's base and adapters, each under the name of its folder.

    with running(command(weights, "127.0.0.1", 8001), Path("runs/atlas/vllm.log"), key="") as server:
        server.wait()

Adapters are folders that are never written again and are named when the server starts; loading more while it runs
stays off, since vLLM keeps what it computed for an adapter's path and would mix old and new.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from autoact.core.errors import EndpointError, UserError
from autoact.core.text import line_of
from autoact.models.team import Weights

# Ours to say, or against what this server promises; a prefix of one would be taken for it.
RESERVED = (
    "model", "served-model-name", "host", "port", "enable-lora", "lora-modules", "max-loras", "max-lora-rank",
    "api-key", "chat-template", "generation-config", "enable-prefix-caching", "no-enable-prefix-caching",
    "no-enable-lora", "trust-remote-code", "middleware", "config", "uds", "root-path", "allowed-origins", "headless",
    "ssl-keyfile", "ssl-certfile", "ssl-ca-certs", "tokenizer", "hf-overrides",
)  # fmt: skip
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
QUIET = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "0",
}
STARTS_WITHIN = 900.0
ENDS_WITHIN = 30.0
ENDING = (signal.SIGTERM, signal.SIGHUP)


def command(
    weights: Weights, base: Path, address: tuple[str, int], *, python: str, template: Path | None, more: Sequence[str]
) -> list[str]:
    """The command line; `more` are flags of the user's. Raises UserError on one that is not theirs to give."""
    for flag in more:
        name = flag.removeprefix("--").partition("=")[0].replace("_", "-")
        if flag.startswith("--") and any(reserved.startswith(name) for reserved in RESERVED):
            raise UserError(f"{flag} cannot be given to vLLM here: AutoAct says it; leave it out")
    host, port = address
    modules = [json.dumps({"name": name, "path": str(path.resolve())}) for name, path in weights.adapters.items()]
    rank = str(room_for(weights.adapters.values()))
    lora = ["--enable-lora", "--max-loras", str(len(modules)), "--max-lora-rank", rank] if modules else []
    return [
        python, "-m", "vllm.entrypoints.openai.api_server",
        "--model", str(base), "--served-model-name", weights.name, "--host", host, "--port", str(port),
        "--generation-config", "vllm", "--enable-prefix-caching",
        *lora, *(["--lora-modules", *modules] if modules else []),
        *(["--chat-template", str(template)] if template else []), *more,
    ]  # fmt: skip


class Server:
    """A vLLM process, and where its log is."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, begin: int) -> None:
        self.process = process
        self.log = log
        self._begin = begin  # of what this process says in the log

    def ready(self, url: str, names: Sequence[str], key: str) -> None:
        """Wait until it answers under every name. Raises EndpointError when it ends before, or takes too long."""
        limit = time.monotonic() + STARTS_WITHIN
        while self._runs() and not _healthy(url):
            if time.monotonic() > limit:
                raise EndpointError(f"vLLM did not answer within {STARTS_WITHIN:g} seconds; its log is {self.log}")
            time.sleep(0.5)
        missing = set(names) - self._names(url, key)
        self._runs()
        if missing:
            raise EndpointError(f"vLLM does not serve {', '.join(sorted(missing))}; its log is {self.log}")

    def _runs(self) -> bool:
        """True; raises EndpointError when it ended: whoever answers at its address is another."""
        if self.process.poll() is not None:
            raise EndpointError(f"vLLM ended before it answered ({self._last()}); its log is {self.log}")
        return True

    def _last(self) -> str:
        return last_line(self.log, self._begin)

    def _names(self, url: str, key: str) -> set[str]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            listed = httpx.get(f"{url}/v1/models", headers=headers, timeout=30, trust_env=False)
            return {model["id"] for model in listed.json()["data"]}
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as problem:
            raise EndpointError(f"vLLM does not list its models ({line_of(problem)}); its log is {self.log}") from None

    def wait(self) -> None:
        """Until it ends. Raises EndpointError if it fails."""
        if self.process.wait():
            raise EndpointError(f"vLLM ended by itself ({self._last()}); its log is {self.log}")


@contextmanager
def running(
    line: Sequence[str], log: Path, *, key: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """The process for as long as this is entered, with all it started ended after it."""
    settings = {**os.environ, **QUIET, **(environment or {}), "VLLM_API_KEY": key}
    if not key:  # nor one of the user's own, which nobody would send
        del settings["VLLM_API_KEY"]
    # Who ends us, as service managers and closed terminals do, ends what we started.
    before = {number: signal.signal(number, lambda by, _: sys.exit(128 + by)) for number in ENDING}
    try:
        with log.open("ab") as told:
            begin = told.tell()
            try:
                process = subprocess.Popen(
                    line, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env=settings, start_new_session=True
                )
            except OSError as problem:
                raise UserError(f"{line[0]} cannot be started ({problem.strerror}); give a Python with vLLM") from None
        try:
            yield Server(process, log, begin)
        finally:
            _end(process)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def require_vllm(python: str) -> None:
    """Raises UserError when that Python has no vLLM of a version that this was written for."""
    ask = "from importlib.metadata import version as v, packages_distributions as p; print(v(p()['vllm'][0]))"
    try:
        found = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, timeout=120, check=False)
    except OSError as problem:
        raise UserError(f"--python {python} cannot be started ({problem.strerror})") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"--python {python} did not say which vLLM it has; give --python another") from None
    version = found.stdout.strip()
    if found.returncode:
        raise UserError(
            f"{python} has no vLLM: pip install 'langgraph-autoact[vllm]', or give --python one that has it"
        )
    if not version.startswith(("0.32.", "0.33.")):
        raise UserError(f"{python} has vLLM {version}, and 0.32 or 0.33 is needed; give --python another")


def last_line(log: Path, begin: int = 0) -> str:
    """What a log ends with, cut to a line's length; nothing of what it says before `begin`."""
    lines = [line for line in log.read_bytes()[begin:].decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "it said nothing"


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started: asked first, then made to, at once where we are asked again."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(ENDS_WITHIN)
        except ProcessLookupError:
            return
        except (subprocess.TimeoutExpired, KeyboardInterrupt, SystemExit):
            continue


def room_for(adapters: Iterable[Path]) -> int:
    """The smallest `--max-lora-rank` with which vLLM takes these adapters."""
    settings = [json.loads((path / "adapter_config.json").read_text("utf-8")) for path in adapters]
    rank = max((int(each.get("r", 8)) for each in settings), default=1)
    return next((size for size in RANKS if size >= rank), rank)
