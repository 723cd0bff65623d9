"""200 clients at once over real sockets: every answer is right, none is somebody else's, and nobody waits for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx

CLIENTS = 200
SECONDS = 30


def test_200_clients_at_once_each_get_their_own_answer(serving: Callable[..., httpx.Client]) -> None:
    url = str(serving().base_url)

    async def ask(number: int) -> tuple[int, str, str, str]:
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS, verify=False) as client:
            body = {"question": f"What is {number} + 1000?", "thread": f"t{number}"}
            response = await client.post("/ask", json=body)
        answer = response.json()
        return response.status_code, answer["thread"], answer["answer"], answer["steps"][0]["argument"]

    async def crowd() -> list[tuple[int, str, str, str]]:
        return await asyncio.gather(*(ask(number) for number in range(CLIENTS)))

    began = time.perf_counter()
    told = asyncio.run(crowd())
    assert told == [(200, f"t{n}", str(n + 1000), f"{n} + 1000") for n in range(CLIENTS)]
    assert time.perf_counter() - began < SECONDS
