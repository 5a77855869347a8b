"""Cleans bodies and pictures, outside the event loop if that may take long: reads must not wait for
it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_process
import anyio.to_thread

from services.ingest.articles import media
from services.ingest.articles.body.clean import Body, clean
from shared.base.errors import Problem, Unavailable

AT_ONCE = 2
"""Upper bound for large bodies and pictures in work, because of their memory: a picture of 50
million pixels takes 200 MB."""
AT_ONCE_CHARACTERS, AT_ONCE_TAGS = 8 << 10, 100
"""Upper bounds for a body that is cleaned at once, in at most 5 ms: a thread would keep the
interpreter's lock for as long."""
IN_A_THREAD = 32 << 10
"""Upper bound for the characters of a body that is cleaned in a thread, in about 20 ms. A larger
one goes to a process: a thread would hold the interpreter's lock and delay the event loop."""
CLEANING_SECONDS = 20.0
"""Timeout for a body or picture, which is then refused. The largest within the limits takes a
quarter of it."""

T = TypeVar("T")


class Offload:
    """Cleans short bodies at once, longer ones in threads; large bodies and pictures in `AT_ONCE`
    processes at most.
    """

    def __init__(self) -> None:
        self._turns = anyio.CapacityLimiter(AT_ONCE)

    async def body(self, html: str, page: str) -> Body:
        """The cleaned body, see `body.clean.clean`.
        Raises `Problem` 422 if the body is refused, `Unavailable` if the process died.
        """
        try:
            if len(html) <= AT_ONCE_CHARACTERS and html.count("<") <= AT_ONCE_TAGS:
                return clean(html, page)
            if len(html) <= IN_A_THREAD:
                return await anyio.to_thread.run_sync(clean, html, page)
            return await self._in_a_process(clean, html, page)
        except ValueError as error:
            raise Problem.invalid("body_html", str(error)) from None
        except TimeoutError:
            raise Problem.invalid(
                "body_html", f"takes longer than {CLEANING_SECONDS:g} s to be cleaned"
            ) from None

    async def picture(self, data: bytes) -> media.Picture:
        """The checked picture, see `media.look_at`.
        Raises `Problem` 422 if the picture is refused, `Unavailable` if the process died.
        """
        try:
            return await self._in_a_process(media.look_at, data)
        except ValueError as error:
            raise Problem.invalid("body", str(error)) from None
        except TimeoutError:
            raise Problem.invalid(
                "body", f"takes longer than {CLEANING_SECONDS:g} s to be decoded"
            ) from None

    async def _in_a_process(self, function: Callable[..., T], *arguments: Any) -> T:
        try:
            async with self._turns:
                with anyio.fail_after(CLEANING_SECONDS):
                    return await anyio.to_process.run_sync(function, *arguments, cancellable=True)
        except anyio.BrokenWorkerProcess as error:
            raise Unavailable(
                "the process that cleans bodies and pictures has ended; try again"
            ) from error
