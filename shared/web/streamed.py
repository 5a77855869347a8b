"""Answers that are sent while they are made, in chunks, such as exports.

They have no entity tag and no length. Whatever goes wrong after their beginning breaks the
connection off, so that no client takes a part for the whole.
"""

import asyncio
import logging
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

from fastapi import Response

from shared.web.asgi import TURN_KEY, Disconnected, Receive, Scope, Send, asked_by_head, header
from shared.web.problems import as_problem
from shared.web.revalidated import LEVEL, takes_gzip
from shared.web.uvicorn_protocol import break_off, has_left

log = logging.getLogger(__name__)

STALLED_SECONDS = 30.0
"""Time in which a client must take what is written and not taken: at most 64 KiB and a chunk."""
LEAST_BYTES_A_SECOND = 32 * 1024
"""The mean pace at which a client must take the answer, after `STALLED_SECONDS`: else a slow one
holds a place for hours. The time in which the answer is made is not its own."""
REST_SECONDS = 30.0
"""Upper bound for the rest after a chunk, which takes as long as the chunk took to be made. So one
answer takes at most half of a processor from other requests, and from MongoDB."""
LOOK_SECONDS = 1.0
"""Time after which a rest is interrupted to see whether the client has left."""
FIRST_SECONDS = 5.0
"""Time for which an answer waits for each of its first two chunks before it begins, so that no
gateway takes this server for one that has stopped."""
_GZIP = 31
"""zlib's name for gzip's format with the largest window."""


class StreamedAnswer(Response):
    """An answer whose body is `chunks`, compressed for clients that take gzip. One chunk alone is
    sent as a whole, as other answers are. An empty chunk says that nothing is made yet: after it,
    too, the answer rests, and ends if the client has left.

    An error before the second chunk is raised: it can still be answered. With `head_at_once` HEAD
    is answered without `chunks` being started, as if they were many; else once it is known whether
    they are. They are closed at the end, also when the client goes away.
    """

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        media_type: str,
        headers: Mapping[str, str],
        *,
        head_at_once: bool = False,
        stalled_seconds: float = STALLED_SECONDS,
        seconds: Callable[[], float] = time.perf_counter,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(media_type=media_type, headers=dict(headers))
        del self.headers["content-length"]
        self._chunks, self._head_at_once = chunks, head_at_once
        self._stalled_seconds = stalled_seconds
        self._seconds, self._rest = seconds, rest
        self._sent, self._waited = 0, 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        is_head, turn = asked_by_head(scope), scope.get(TURN_KEY, _nothing)
        made = self._made(receive, turn)
        async with aclosing(self._chunks), aclosing(made):
            if is_head and self._head_at_once:
                self._complete()
                await self._send_head(send)
                return
            first, second = await self._next(made) or b"", await self._next(made)
            if has_left(receive):
                raise Disconnected
            if second is None:
                await self._send_start(send)
                await _send_part(send, first, more=False)
                return
            self._complete()
            packing = self._packing(scope)
            if is_head:
                await self._send_head(send)
                return
            await self._send_start(send)
            try:
                await self._send_in_time(send, _packed(packing, first))
                await self._send_rest(second, made, packing, receive, send)
            except _Stalled:
                log.info(
                    "a client took %d bytes in %.0f s, and then none", self._sent, self._waited
                )
                if not break_off(receive, stalled=True):
                    raise
            except asyncio.CancelledError:
                # By the server, which stops. Raised, it would be logged as a bug.
                log.warning("an answer was broken off by the stop")
                if not break_off(receive):
                    raise
            except Exception as error:
                as_problem(error)  # which logs it
                if not break_off(receive):
                    raise

    def _complete(self) -> None:
        """Complete the headers of an answer of many chunks."""
        self.headers.setdefault("cache-control", "no-store")
        self.headers.add_vary_header("Accept-Encoding")

    def _packing(self, scope: Scope) -> "zlib._Compress | None":
        """What compresses the answer; None if it is sent as it is."""
        if not takes_gzip(header(scope, b"accept-encoding")):
            return None
        self.headers["content-encoding"] = "gzip"
        return zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)

    async def _send_head(self, send: Send) -> None:
        await self._send_start(send)
        # In two parts, or it would pass for a whole answer, which gets a tag and a length.
        await _send_part(send, b"")
        await _send_part(send, b"", more=False)

    async def _send_start(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)

    async def _made(
        self, receive: Receive, turn: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[bytes, None]:
        """The chunks until the client leaves, with a rest after each one but the first two."""
        number = 0
        while True:
            began = self._seconds()
            chunk = await anext(self._chunks, None)
            number += bool(chunk)
            if chunk == b"" or number > 2:
                await self._rest_for(self._seconds() - began, receive)
                await turn()
            if chunk is None or has_left(receive):
                return
            yield chunk

    async def _rest_for(self, seconds: float, receive: Receive) -> None:
        left = min(seconds, REST_SECONDS)
        while True:
            await self._rest(min(left, LOOK_SECONDS))
            left -= LOOK_SECONDS
            if left <= 0 or has_left(receive):
                return

    async def _next(self, made: AsyncGenerator[bytes, None]) -> bytes | None:
        """The next chunk; None if there is none, empty if it is not made in `FIRST_SECONDS`."""
        began = self._seconds()
        async for chunk in made:
            if chunk or self._seconds() - began > FIRST_SECONDS:
                return chunk
        return None

    async def _send_rest(
        self,
        chunk: bytes,
        made: AsyncGenerator[bytes, None],
        packing: "zlib._Compress | None",
        receive: Receive,
        send: Send,
    ) -> None:
        if chunk:
            await self._send_in_time(send, _packed(packing, chunk))
        async for chunk in made:
            if chunk:
                await self._send_in_time(send, _packed(packing, chunk))
        if not has_left(receive):
            await self._send_in_time(send, packing.flush() if packing else b"", more=False)

    async def _send_in_time(self, send: Send, part: bytes, more: bool = True) -> None:
        patience = self._stalled_seconds + self._sent / LEAST_BYTES_A_SECOND - self._waited
        began = self._seconds()
        try:
            async with asyncio.timeout(min(self._stalled_seconds, patience)):
                await _send_part(send, part, more)
        except TimeoutError:
            raise _Stalled from None
        self._waited += self._seconds() - began
        self._sent += len(part)


class _Stalled(Exception):
    """The client takes nothing, or too little."""


async def _nothing() -> None:
    """Nobody else waits."""


def _packed(packing: "zlib._Compress | None", chunk: bytes) -> bytes:
    # Flushed, so that what was made is sent, and a gateway sees that this server lives.
    return packing.compress(chunk) + packing.flush(zlib.Z_SYNC_FLUSH) if packing else chunk


async def _send_part(send: Send, part: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": more})
