"""Chromium by its own protocol, for what playwright switches off: with it attached, no page is
prerendered.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

from tests.browser.conftest import ARGUMENTS, CHROMIUM


class Tab:
    """A tab of a Chromium that has nothing else; `events` are those that came, in their order."""

    def __init__(self, commands: int, answers: asyncio.StreamReader) -> None:
        self._commands, self._answers = commands, answers
        self._ids, self._session = count(1), ""
        self.events: list[dict[str, Any]] = []

    async def open(self) -> None:
        """Attach to a blank page, whose policy forbids no script of ours.

        By its tab: to who is attached to the page alone, Chromium prerenders nothing.
        """
        target = (await self.send("Target.createTarget", url="about:blank", forTab=True))[
            "targetId"
        ]
        self._session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))[
            "sessionId"
        ]
        # The first such event is of the tab itself, and comes before its answer.
        self.events.clear()
        await self.send(
            "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True
        )
        await self.event("Target.attachedToTarget")
        self.follow()
        for command in ("Page.enable", "Preload.enable"):
            await self.send(command)
        await self.send("Page.setBypassCSP", enabled=True)

    def follow(self) -> None:
        """Go on with the page that was made last in this tab: one that is prerendered, and then
        shown.
        """
        made = [
            event["params"]["sessionId"]
            for event in self.events
            if event["method"] == "Target.attachedToTarget"
        ]
        self._session = made[-1]

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; its result. Raises RuntimeError with what Chromium says against it."""
        number = next(self._ids)
        command: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        os.write(
            self._commands,
            json.dumps(command | ({"sessionId": self._session} if self._session else {})).encode()
            + b"\0",
        )
        while (answer := await self._next()).get("id") != number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    async def evaluate(self, script: str) -> Any:
        """The value of a script in the page."""
        return (await self.send("Runtime.evaluate", expression=script))["result"].get("value")

    async def event(self, method: str, **wanted: Any) -> dict[str, Any]:
        """Wait until this has happened; its parameters. Raises AssertionError after 60 s without
        news.
        """
        seen = 0
        while True:
            for event in self.events[seen:]:
                told: dict[str, Any] = event.get("params", {})
                if event.get("method") == method and all(
                    told.get(name) == value for name, value in wanted.items()
                ):
                    return told
            seen = len(self.events)
            try:
                self.events.append(await self._next())
            except TimeoutError:
                raise AssertionError(f"no {method} {wanted}, but {self.events}") from None

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(60):
            return dict(json.loads((await self._answers.readuntil(b"\0"))[:-1]))


@contextlib.asynccontextmanager
async def tab(profile: Path, agent: str) -> AsyncIterator[Tab]:
    """A Chromium of its own, with one tab."""
    commands_out, commands = os.pipe()
    answers, answers_in = os.pipe()
    # Chromium reads commands from its descriptor 3 and answers on 4.
    line = [
        CHROMIUM,
        *ARGUMENTS,
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
        f"--user-agent={agent}",
    ]
    shell = ["bash", "-c", f'exec "$@" 3<&{commands_out} 4>&{answers_in}', "bash", *line]
    chromium = await asyncio.create_subprocess_exec(
        *shell, pass_fds=(commands_out, answers_in), stderr=asyncio.subprocess.DEVNULL
    )
    os.close(commands_out)
    os.close(answers_in)
    reader = asyncio.StreamReader(limit=1 << 24)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(answers, "rb")
    )
    one = Tab(commands, reader)
    try:
        await one.open()
        yield one
    finally:
        os.close(commands)  # it ends then
        await asyncio.wait_for(chromium.wait(), 30)
        transport.close()
