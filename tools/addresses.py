"""Which addresses on the network may be asked: none that is private, unless the user configured it.

backend_url("localhost:8888")                                # ValueError: it must be an http or https address …
checked_address(httpx.URL("https://example.org"))            # "93.184.216.34", the address to connect to
checked_address(httpx.URL("http://169.254.169.254/"))        # ToolException: … is a private address
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from langchain_core.tools import ToolException

from autoact.tools.failures import ToolUnreachable

if TYPE_CHECKING:
    import httpx

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# All else of IPv6 is reserved, local or an IPv4 address in a form of its own.
UNICAST = ipaddress.IPv6Network("2000::/3")
PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")


def backend_url(url: str) -> str:
    """A configured address as it is, or none. Raises ValueError for one that can never be asked."""
    import httpx

    try:
        parsed = httpx.URL(url)
        usable = parsed.scheme in ("http", "https") and parsed.host and port_of(parsed) <= 65535
    except (httpx.InvalidURL, UnicodeError, ValueError):
        usable = False
    if url and not usable:
        raise ValueError("it must be an http or https address with a host, such as https://example.org/search")
    return url


def checked_address(url: httpx.URL, trusted: str = "") -> str:
    """An address of the URL's host, none of whose addresses is private. Raises ToolException."""
    import httpx

    if url.scheme not in ("http", "https") or not url.host or port_of(url) > 65535:
        raise ToolException(f"{str(url)[:200]} is no http or https address.")
    try:
        found = socket.getaddrinfo(url.host, port_of(url), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ToolUnreachable(f"{url.host[:200]} is not a known host.") from None
    addresses = [str(entry[4][0]) for entry in found]
    backend = httpx.URL(trusted)
    if (url.host, port_of(url)) != (backend.host, port_of(backend)):
        for address in addresses:
            if not is_public(address):
                raise ToolException(f"{url.host[:200]} is a private address, which is not opened.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is on the open internet, with those inside an IPv6 address considered."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and ip not in PROTOCOLS
    if ip in NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    inside = [each for each in (ip.sixtofour, *(ip.teredo or ())) if each is not None]
    return ip in UNICAST and ip.is_global and all(is_public(str(each)) for each in inside)


def port_of(url: httpx.URL) -> int:
    """The port of a URL, said or usual."""
    return url.port or (443 if url.scheme == "https" else 80)
