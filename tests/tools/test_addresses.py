"""No private address is asked, however it is written, and what can never be asked is said to be so."""

from __future__ import annotations

import pytest
from langchain_core.tools import ToolException

from autoact.tools.addresses import backend_url, is_public
from autoact.tools.failures import ToolFailure
from autoact.tools.network import fetch

PRIVATE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[fec0::1]/",
    "http://192.0.0.192/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://224.0.0.1/",
    "http://user:secret@127.0.0.1/",
    "https://127.0.0.1:443/",
]
NO_WEB = [
    "file:///etc/passwd",
    "ftp://example.org/",
    "gopher://127.0.0.1/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "//example.org/",
    "/etc/passwd",
    "",
    "http://",
    "http://\x00/",
    "http://ex\nample.org/",
    "http://\ud800.org/",
    "http://[::1/",
    "http://example.org:99999/",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_address_is_not_opened(url: str) -> None:
    with pytest.raises(ToolException, match="is a private address"):
        fetch(url)


@pytest.mark.parametrize("url", NO_WEB, ids=lambda url: repr(url[:30]))
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ToolException, match=r"is no http or https address|is no address on the web") as caught:
        fetch(url)
    assert not isinstance(caught.value, ToolFailure)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2606:4700::1111", True), ("64:ff9b::808:808", True), ("fe80::1%eth0", False)],
)
def test_public_is_what_anybody_can_reach(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("url", ["localhost:8888", "ftp://a/", "http://a:99999/", "http://", "http://[::1/"])
def test_a_backend_has_an_address_on_the_web(url: str) -> None:
    with pytest.raises(ValueError, match="must be an http or https address"):
        backend_url(url)


@pytest.mark.parametrize("url", ["", "http://localhost:8888/search", "https://[::1]/"])
def test_a_backend_may_be_left_out_or_be_private(url: str) -> None:
    assert backend_url(url) == url
