"""An address is taken before anything is loaded, and only this machine can reach a server without a key."""

from __future__ import annotations

from contextlib import closing

import pytest

from autoact.core.errors import UserError
from autoact.serve.server import bound, listen, url_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_this_machine_is_served_without_a_key(host: str) -> None:
    with closing(bound(host, 0, "")) as listener:
        assert url_of(listener).startswith("http://")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_others_are_not_served_without_a_key(host: str) -> None:
    with pytest.raises(
        UserError, match="can be reached from other machines, and this server has no key; set AUTOACT_KEY"
    ):
        bound(host, 0, "")


def test_others_are_served_with_a_key() -> None:
    bound("0.0.0.0", 0, "k3y").close()


def test_a_port_in_use_is_a_line() -> None:
    with closing(bound("127.0.0.1", 0, "")) as listener:
        listen(listener)
        with pytest.raises(
            UserError, match=r"port \d+ cannot be used \(Address already in use\); choose another --port"
        ):
            bound("127.0.0.1", listener.getsockname()[1], "")


@pytest.mark.parametrize("host", ["", "256.0.0.1", "no such host", "a..b"])
def test_what_is_no_address_is_a_line(host: str) -> None:
    with pytest.raises(UserError, match=f"--host '{host}' is no address of this machine"):
        bound(host, 0, "k3y")


def test_the_slower_of_two_that_begin_together_says_so() -> None:
    with closing(bound("127.0.0.1", 0, "")) as first:
        port = first.getsockname()[1]
        with closing(bound("127.0.0.1", port, "")) as second:
            listen(first)
            with pytest.raises(UserError, match=rf"port {port} cannot be used \(Address already in use\)"):
                listen(second)
