"""What counts as a key, and as a name of this machine."""

from __future__ import annotations

import base64

import pytest

from autoact.serve.gate import host_of, is_this_machine, key_in


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer k3y", "k3y"),
        ("bearer  k3y ", "k3y"),
        ("Basic " + base64.b64encode(b"anyone:k3y:more").decode(), "k3y:more"),
        ("Basic " + base64.b64encode(b"k3y").decode(), ""),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), ""),
        ("Basic k", ""),
        ("Digest k3y", ""),
        ("k3y", ""),
        ("", ""),
    ],
)
def test_a_key_is_a_bearer_token_or_the_password_of_basic(header: str, key: str) -> None:
    assert key_in(header) == key


@pytest.mark.parametrize("named", ["localhost:8000", "LOCALHOST", "127.0.0.1", "127.9.9.9:80", "[::1]:8000"])
def test_this_machine_is_known_by_its_names(named: str) -> None:
    assert is_this_machine(host_of(named))


@pytest.mark.parametrize(
    "named", ["127.0.0.1@evil.example", "evil.example#127.0.0.1", "[::1", "127.0.0.1.evil.example", "10.0.0.1", "", "0"]
)
def test_a_name_that_only_looks_like_this_machine_is_another(named: str) -> None:
    assert not is_this_machine(host_of(named))
