"""The one door to the network: no private address, a bound on size and time, redirects checked.

    fetch("https://en.wikipedia.org/w/api.php", params={…})      # a Reply
    fetch("http://169.254.169.254/latest")                       # ToolException: a private address
    fetch("http://localhost:8888/search", trusted="http://localhost:8888")   # the backend that the user configured

The address that was checked is the one connected to, so a name cannot resolve to another one in between. Proxies of
the environment are not used. Looking a name up takes as long as the system's resolver does; all else ends in time.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.tools import ToolException

from autoact.tools.addresses import backend_url, checked_address, port_of
from autoact.tools.failures import ToolFailure, ToolTimeout, ToolUnreachable

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0
MAX_BYTES = 4_000_000
MAX_REDIRECTS = 5
USER_AGENT = "langgraph-autoact (https://pypi.org/project/langgraph-autoact)"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; header names are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    url: str,
    *,
    trusted: str = "",
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    seconds: float = SECONDS,
    limit: int = MAX_BYTES,
) -> Reply:
    """GET a URL, or POST JSON to it, and read the whole answer, whatever its status.

    `trusted` is the configured backend: its host and port may be private. A redirect of a request with headers or a
    body of ours stays on its host, since they may hold a key. Raises ToolException for a URL that is refused,
    ToolTimeout, ToolUnreachable, and ToolFailure for an answer that is refused or a mistake in what was configured.
    """
    import httpx

    _check_configured(trusted, headers or {})
    method = "GET" if json is None else "POST"
    ours = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", **(headers or {})}
    try:
        request = httpx.Request(method, url, params=params, headers=ours, json=json)
    except (httpx.InvalidURL, UnicodeError, ValueError) as problem:
        raise ToolException(f"{url[:200]} is no address on the web: {problem}") from None
    watch = _Watch(seconds)
    with watch, _explained(_server(request.url), watch), _client(trusted, seconds) as client:
        request.extensions = {**request.extensions, "trace": watch.note, "timeout": _each_step(seconds)}
        private = json is not None or bool(headers)
        for hop in range(MAX_REDIRECTS + 1):
            try:
                reply, following = _one(client, request, limit)
            except ToolException as problem:
                raise (ToolFailure(f"It was redirected: {problem}") if hop else problem) from None
            if following is None:
                return reply
            _check_redirect(request.url, following.url, private)
            request = following
        raise ToolFailure(f"{_server(request.url)} redirected {MAX_REDIRECTS} times and more.")


class _Watch:
    """Ends a request that takes too long by shutting its socket: a server may send one byte at a time for ever."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.late = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the socket that httpcore opened (its `trace` extension)."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")

    def _shut(self) -> None:
        self.late = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _client(trusted: str, seconds: float) -> httpx.Client:
    import httpx

    class Checked(httpx.HTTPTransport):
        """Connects to the address that was checked, under the name that was asked for."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            address = checked_address(request.url, trusted)
            extensions = {**request.extensions, "sni_hostname": request.url.host}
            there = request.url.copy_with(host=address)
            return super().handle_request(
                httpx.Request(
                    request.method, there, headers=request.headers, stream=request.stream, extensions=extensions
                )
            )

    return httpx.Client(transport=Checked(verify=_certificates(), trust_env=False), timeout=seconds)


@functools.cache
def _certificates() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def _one(client: httpx.Client, request: httpx.Request, limit: int) -> tuple[Reply, httpx.Request | None]:
    """The answer to one request, and the request that it redirects to."""
    import httpx

    try:
        response = client.send(request, stream=True)
    except httpx.InvalidURL:  # javascript:, say
        raise ToolFailure(f"{_server(request.url)} redirected to what is no address on the web.") from None
    try:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.next_request is not None:
            return Reply(str(request.url), response.status_code, headers, b""), response.next_request
        body = b"".join(_bounded(response, limit))
        return Reply(str(request.url), response.status_code, headers, body), None
    finally:
        response.close()


def _bounded(response: httpx.Response, limit: int) -> Iterator[bytes]:
    """The body in pieces, unpacked no further than the limit. httpx would unpack a whole bomb at once."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "deflate", ""):
        raise ToolFailure(f"{_server(response.url)} answered in the coding {coding[:40]}, which was not asked for.")
    unpack = zlib.decompressobj(47) if coding in ("gzip", "deflate") else None
    left, came = limit, False
    for raw in response.iter_raw():
        piece = unpack.decompress(raw, left + 1) if unpack else raw
        left -= len(piece)
        if left < 0:
            raise ToolFailure(f"{_server(response.url)} answered more than {limit:,} bytes.")
        if unpack and unpack.unused_data:
            raise zlib.error("the packed answer goes on after its end")
        came = True
        yield piece
    if unpack and came and not unpack.eof:
        raise zlib.error("the packed answer is cut short")


def header_text(text: str) -> str:
    """A text as it is, if a header can hold it. Raises ValueError."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("it is sent in a header, so it must be printable ASCII, such as me@example.org")
    return text


def _check_configured(backend: str, headers: Mapping[str, str]) -> None:
    """Raises ToolFailure: no other input of a planner's would help. A header's value may be a key and is not shown."""
    try:
        backend_url(backend)
    except ValueError as problem:
        raise ToolFailure(f"The backend's address {backend[:100]} cannot be asked: {problem}.") from None
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ToolFailure(f"The header {name} cannot be sent; a key or contact must be printable ASCII.")


def _check_redirect(asked: httpx.URL, target: httpx.URL, private: bool) -> None:
    if private and target.host != asked.host:
        raise ToolFailure(f"{_server(asked)} redirected to another host, {target.host[:100]}.")
    if (asked.scheme, target.scheme) == ("https", "http"):
        raise ToolFailure(f"{_server(asked)} redirected from https to http.")


@contextlib.contextmanager
def _explained(server: str, watch: _Watch) -> Iterator[None]:
    """httpx's errors, and a socket shut for lateness, as failures of the tool."""
    import httpx

    late = ToolTimeout(f"{server} did not answer within {watch.seconds:g} s.")
    try:
        yield
    except httpx.TimeoutException:
        raise late from None
    except (httpx.TransportError, zlib.error) as problem:
        if watch.late:
            raise late from None
        raise ToolUnreachable(f"{server} could not be read: {type(problem).__name__}: {problem}"[:300]) from None
    if watch.late:  # a body without a length ends wherever its socket was shut
        raise late


def _server(url: httpx.URL) -> str:
    return f"{url.host[:100]}:{port_of(url)}"


def _each_step(seconds: float) -> dict[str, float]:
    return dict.fromkeys(("connect", "read", "write", "pool"), seconds)
