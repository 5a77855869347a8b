"""The process of a service: uvicorn with our protocol and limits, signals, and the drain at the
stop.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import uvicorn

from luotdoc_subscriber.base import log as logs
from shared.base.settings import Settings, load_settings
from shared.web.app import Application, Service
from shared.web.connections import SWEEP_SECONDS, TooFewDescriptors, limits_of
from shared.web.fastpath import FastPathProtocol
from shared.web.headers import defaults
from shared.web.listening import Acceptor, stop_listening
from shared.web.protocol import HttpProtocol

log = logging.getLogger(__name__)
S = TypeVar("S", bound=Settings)

LEAVING_SECONDS = 1.0
"""First phase of a drain: requests are answered as before, with `Connection: close`. So a client
that uses its connection in this time closes it after an answer, instead of sending a request into a
closed connection. The phase is shorter if no connection is open."""
LINGER_SECONDS = 0.5
"""Second phase, after listening has ended:
time for the first request on connections that were just accepted."""
HTTP_GRACE_SECONDS = 3
"""Third phase: time for requests in flight."""


class _Server(uvicorn.Server):
    """uvicorn's server, except that its stop drains:
    no connection is closed while a request arrives on it.
    """

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application
        self._acceptors: list[Acceptor] = []

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, then end the process without returning.

        A normal exit of Python waits for threads, and they may wait for a frozen server for ever.
        """
        await super().serve(sockets)
        await self._application.close_tracer()
        logging.shutdown()
        os._exit(1 if self._application.failed else 0)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, with acceptors that accept
        several connections in each turn of the loop, not one.
        """
        await super().startup(sockets)

        def protocol() -> HttpProtocol:
            kind: Any = self.config.http_protocol_class
            connection: HttpProtocol = kind(self.config, self.server_state, self.lifespan.state)
            return connection

        self._acceptors = [
            Acceptor(each, protocol) for server in self.servers for each in server.sockets
        ]

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: also closes connections that have used up their time."""
        self._application.connections.turn()
        if counter % round(SWEEP_SECONDS * 10) == 0:
            self._application.connections.sweep()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then shut down as uvicorn does."""
        self._application.leave()
        await self._left_alone(LEAVING_SECONDS)
        await stop_listening(self.servers, self._acceptors)
        await self._left_alone(LINGER_SECONDS)
        await super().shutdown(sockets)

    async def _left_alone(self, seconds: float) -> None:
        """Wait until no connection is open, at most `seconds`."""
        deadline = time.monotonic() + seconds
        while self.server_state.connections and time.monotonic() < deadline:  # noqa: ASYNC110  (uvicorn has no event)
            await asyncio.sleep(0.02)


def serve(settings: Settings, service: Service, hsts: int = 0) -> NoReturn:
    """Run `service` until SIGTERM or SIGINT, then end the process,
    with status 1 if the service's life failed.

    `hsts`: seconds of Strict-Transport-Security in each answer; 0 leaves it out.
    """
    try:
        application = Application(service, limits_of(settings, service.endless))
    except TooFewDescriptors as error:
        sys.stderr.write(f"The settings are not usable:\n  LUOTDOC_MAX_CONNECTIONS: {error}\n")
        raise SystemExit(2) from None
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=FastPathProtocol if application.fast or application.fast_get else HttpProtocol,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        headers=defaults(hsts),
        ws="none",
        # uvicorn would trust any local peer; LUOTDOC_TRUSTED_PROXIES decides instead
        proxy_headers=False,
        timeout_graceful_shutdown=HTTP_GRACE_SECONDS,
    )
    server = _Server(config, application)

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    # uvicorn handles signals only while it serves, and raises them again after its end. Without
    # these handlers a signal before it serves is lost, and a clean end has a signal's exit status.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server.run()
    raise AssertionError("the server has ended the process")


def main(kind: type[S], build: Callable[[S], Service]) -> None:
    """Run a service as a process:
    load its settings from the environment, log JSON, build and serve it.
    """
    unknown: list[str] = []
    settings = load_settings(kind, unknown.append)
    service = build(settings)
    logs.configure(service.name, settings.log_level)
    for line in unknown:
        log.warning("%s", line)
    serve(settings, service, settings.hsts_seconds)
