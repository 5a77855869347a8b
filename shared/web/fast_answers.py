"""Remembered answers of an API past ASGI (`shared.web.fastpath`), the same as through it.

What is unusual goes through ASGI: conditions, origins, correlation ids and escaped paths.
"""

import time

from luotdoc_subscriber.base.log import new_correlation
from shared.base import metrics
from shared.web.cors import granted_to_all
from shared.web.fastpath import FastRequest
from shared.web.headers import RawHeaders, header_lines, missing
from shared.web.remembered import Kept, Remembered
from shared.web.revalidated import CONDITION, takes_gzip

_UNUSUAL = frozenset({CONDITION, b"origin", b"x-correlation-id"})


class FastAnswers:
    """The fast path of an API that is `observed` with `requests` and `policy`, and `readable_by`
    `origins`.
    """

    def __init__(
        self,
        memory: Remembered,
        requests: metrics.Requests,
        policy: RawHeaders,
        origins: tuple[str, ...],
    ) -> None:
        self._memory, self._policy, self._origins = memory, policy, origins
        self._seconds, self._answers = requests.seconds, requests.answers

    def take(self, request: FastRequest) -> bool:
        """Answer what is remembered. False leaves the request to ASGI."""
        started = time.perf_counter()
        if request.body or b"%" in request.path or not request.path.isascii():
            return False
        first: dict[bytes, bytes] = {}
        for name, value in request.headers:
            if name in _UNUSUAL:
                return False
            first.setdefault(name, value)
        gzip = takes_gzip(first.get(b"accept-encoding"))
        asked = (request.path.decode(), request.query, first.get(b"accept"), gzip)
        kept = self._memory.get(asked)
        if kept is None:
            return False
        before, after = kept.head or self._head(kept)
        head = b"%bx-correlation-id: %b\r\n%b" % (before, new_correlation().encode(), after)
        request.content(head, kept.body)
        self._answers.labels("GET", "200").inc()
        self._seconds.observe(time.perf_counter() - started)
        return True

    def _head(self, kept: Kept) -> tuple[bytes, bytes]:
        """The header lines before the correlation id, and those after it."""
        before = [*kept.headers, *missing(kept.headers, self._policy)]
        kept.head = header_lines(before), header_lines(granted_to_all(self._origins, before))
        return kept.head
