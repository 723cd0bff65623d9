"""A Hugging Face hub, written to by its own client; whatever goes wrong there is one line.

    url = Hub().push("me/atlas-agents", files, public=False, progress=progress)

Files go up one after the other and appear in one commit, so that a repository never holds half a team. What is up
already is not sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from autoact.cli.hub_files import HubFile, is_ours
from autoact.core.errors import AutoActError, EndpointError, UserError
from autoact.core.progress import Progress
from autoact.core.text import line_of
from autoact.core.versions import OURS, installed

AGAIN = "the same command goes on with what is missing"


def check_name(option: str, name: str) -> None:
    """Raises UserError unless `name` can be that of a repository, its owner included."""
    _require_client()
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError as problem:
        raise UserError(f"{option}: {name!r:.100} is no name of a repository: {line_of(problem, 200)}") from None
    if "/" not in name:
        raise UserError(f"{option}: {name} has no owner; write OWNER/NAME, such as me/{name}")


class Hub:
    """The hub at an address; without one, what HF_ENDPOINT says, or huggingface.co."""

    def __init__(self, endpoint: str = "") -> None:
        _require_client()
        from huggingface_hub import constants

        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise UserError(f"--endpoint {endpoint!r} is no address: write https://HOST")
        self.url = (endpoint or constants.ENDPOINT).rstrip("/")

    def push(self, name: str, files: Sequence[HubFile], public: bool, progress: Progress) -> str:
        """Make the repository hold these files; the address of the commit.

        Raises UserError when the hub refuses, EndpointError when it fails or cannot be reached.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

        disable_progress_bars()
        # It retries by itself, and would print addresses that are signed.
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        version = installed([OURS]).get(OURS)
        hub = HfApi(endpoint=self.url, token=self._token(), library_name="autoact", library_version=version)
        progress.stage(f"push {name}")
        with self._told(name):
            hub.create_repo(name, private=not public, exist_ok=True)
            there = hub.model_info(name)
            _refuse_visibility(name, public, bool(there.private))
            added = [CommitOperationAdd(file.path, _content(file)) for file in files]
            sent, total = 0, sum(file.size for file in files)
            for file, operation in zip(files, added, strict=True):
                hub.preupload_lfs_files(name, [operation], free_memory=False)
                sent += file.size
                progress.advance(sent, total, file.path)
            known, kept = {file.path for file in files}, [each.rfilename for each in there.siblings or ()]
            gone = [CommitOperationDelete(path) for path in kept if is_ours(path) and path not in known]
            return str(hub.create_commit(name, [*added, *gone], commit_message="Team trained by AutoAct").commit_url)

    def _token(self) -> str:
        from huggingface_hub import get_token

        token = get_token()
        if not token:
            raise UserError("there is no token for the hub: set HF_TOKEN to one that may write, or run `hf auth login`")
        return token

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Turns what the client raises into one of ours; it raises many unrelated types."""
        import httpx2

        try:
            yield
        except AutoActError:
            raise
        except (OSError, RuntimeError, ValueError, httpx2.HTTPError) as problem:
            raise self._as_ours(name, problem) from problem

    def _as_ours(self, name: str, problem: BaseException) -> AutoActError:
        import httpx2

        for cause in _causes(problem):
            status = getattr(getattr(cause, "response", None), "status_code", 0)
            if status:
                return self._refusal(name, status, cause)
            if isinstance(cause, httpx2.HTTPError | ConnectionError):
                return EndpointError(
                    f"{self.url} cannot be reached ({line_of(cause, 200)}); see to the network, {AGAIN}"
                )
        return EndpointError(f"{self.url} gave an answer that is none ({line_of(problem, 200)}); is it a hub?")

    def _refusal(self, name: str, status: int, cause: BaseException) -> AutoActError:
        if status == 401:
            return UserError(f"{self.url} does not accept the token: put one that may write into HF_TOKEN")
        if status == 403:
            return UserError(
                f"{self.url} refuses: this token may not write to {name}; use another token or another owner"
            )
        if status == 404:
            return UserError(f"{self.url} has no {name} to write to (404); correct the name, its owner or --endpoint")
        if status in (408, 429) or status >= 500:
            return EndpointError(f"{self.url} failed ({status}); try later, {AGAIN}")
        return UserError(f"{self.url} refuses ({status}): {line_of(cause, 200)}")


def _content(file: HubFile) -> str | bytes:
    return str(file.content) if isinstance(file.content, Path) else file.content


def _refuse_visibility(name: str, public: bool, is_private: bool) -> None:
    """Raises UserError when a repository that was there already is not as visible as asked for."""
    if public == is_private:
        seen, option = ("private", "--private") if is_private else ("public", "--public")
        raise UserError(f"{name} exists and is {seen}: give {option} to push there, or choose another name")


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from."""
    while problem is not None:
        yield problem
        problem = problem.__cause__


def _require_client() -> None:
    if find_spec("huggingface_hub") is None:
        raise UserError("autoact push needs huggingface_hub: pip install 'langgraph-autoact[local]'")
