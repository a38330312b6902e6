"""A process of its own that follows one run with many readers: `python many_readers.py PORT TOKEN RUN COUNT`.

It says `ready` once all of them are let in, and at the end one JSON document of what they heard.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from dataclasses import dataclass, field


@dataclass
class Reader:
    """What one reader has heard."""

    ids: list[int] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    spoken: dict[str, str] = field(default_factory=dict)
    gaps: int = 0
    pieces: int = 0

    def hear(self, message: dict[str, str]) -> None:
        data = message["data"]
        if "id" in message:
            self.ids.append(int(message["id"]))
            self.events.append(data)
            return
        token = json.loads(data)
        said = self.spoken.get(token["node"], "")
        self.gaps += token["offset"] != len(said)
        self.spoken[token["node"]] = said + token["text"]
        self.pieces += 1


async def read(port: int, token: str, run_id: str, let_in: asyncio.Semaphore) -> Reader:
    found, message = Reader(), {}
    source, sink = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET /api/runs/{run_id}/events HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    sink.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    assert b" 200 " in await source.readline()
    while (await source.readline()).strip():
        pass
    let_in.release()
    async for raw in source:
        name, _, value = raw.decode().rstrip("\r\n").partition(": ")
        if value and name in {"id", "data"}:
            message[name] = value
        elif not name and "data" in message:
            found.hear(message)
            message = {}
    sink.close()
    return found


async def main(port: int, token: str, run_id: str, count: int) -> None:
    let_in = asyncio.Semaphore(0)
    reading = [asyncio.create_task(read(port, token, run_id, let_in)) for _ in range(count)]
    for _ in range(count):
        await let_in.acquire()
    print("ready", flush=True)  # noqa: T201 - this is how it tells the test
    found = await asyncio.gather(*reading)
    heard = {hashlib.sha256("\n".join(one.events).encode()).hexdigest() for one in found}
    document = {
        "readers": len(found),
        "different": len(heard),
        "ids": found[0].ids,
        "gaps": sum(one.gaps for one in found),
        "texts": len({json.dumps(one.spoken, sort_keys=True) for one in found}),
        "spoken": found[0].spoken,
        "pieces": sum(one.pieces for one in found),
    }
    print(json.dumps(document), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
