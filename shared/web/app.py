"""The app factory: every service is a `Service`, run the same way.

Start: the HTTP server is up at once, so that `/livez` and `/readyz` can answer while the process
waits for RabbitMQ and MongoDB. The service's own life (`running`) is a task next to the server: it
connects, with retries, and becomes ready.

Stop: on SIGTERM the server drains. `/readyz` answers 503 and every answer closes its connection;
then the server stops listening and finishes the requests in flight. After that the service's life
ends, in the reverse order of its start. All of it takes less than 10 seconds.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.base import log as logs
from shared.base import metrics
from shared.base.errors import Problem, Refused
from shared.base.plainly import refusal
from shared.base.settings import Settings, SubscriberSettings, load
from shared.web.api import as_problem
from shared.web.asgi import App, Disconnected, Receive, Scope, Send, respond, respond_problem
from shared.web.connections import SWEEP_SECONDS, Connections, Limits, TooFewDescriptors, limits_of
from shared.web.fastpath import FastPathProtocol, Handler
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
END_SECONDS = 5.0
"""Last phase: time for the service's life to end."""

_JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


@dataclass
class Service:
    """A service as its composition root builds it: the HTTP apps, the life and the health checks."""

    name: str
    running: Callable[[], AbstractAsyncContextManager[None]]
    """The service's life: entered after the server's start, left at its stop.
    Entering may wait for other servers."""
    not_ready: Callable[[], str | None]
    """None if the service can do its job, else the reason, which `/readyz` answers with 503."""
    routes: Mapping[str, App] = field(default_factory=lambda: MappingProxyType({}))
    """Hot paths: an exact path and the raw ASGI app that answers it."""
    fallback: App | None = None
    """The app that answers every other path; None answers 404."""
    fast: Mapping[bytes, Handler] = field(default_factory=lambda: MappingProxyType({}))
    """Handlers that may answer a small POST to an exact path without ASGI.
    Each path is in `routes` too."""
    registry: metrics.Registry = field(default_factory=metrics.new_registry)
    """The metrics that `/metrics` exposes:
    the groups of `shared.base.metrics` that the service measures."""
    degraded: Callable[[], str | None] = lambda: None
    """None, or the part that works less well although the service is ready; `/readyz` shows it."""


class Application:
    """The ASGI app of a service."""

    def __init__(self, service: Service, limits: Limits | None = None) -> None:
        self._service = service
        self._entered = False
        self.fast = service.fast
        self.leaving = False
        """True from SIGTERM on: each answer closes its connection."""
        self._stop = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._in_flight = 0
        serving = metrics.Serving(service.registry)
        serving.ready.set_function(lambda: 0.0 if self._why_not_ready() else 1.0)
        serving.in_flight.read(lambda: self._in_flight)
        self.connections = Connections(limits, ended=lambda reason: serving.connections_ended.labels(reason).inc())
        serving.connections.set_function(lambda: len(self.connections.open))
        self._operators: dict[str, App] = {
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        if self.leaving:
            send = _closing(send)
        # Compared with the raw path: the gateway blocks these paths for strangers by their bytes,
        # so an escaped form such as /%6detrics must not reach them here.
        literal = scope.get("raw_path", scope["path"].encode()) == scope["path"].encode()
        if literal and (operators := self._operators.get(scope["path"])):
            if scope["method"] in ("GET", "HEAD"):
                await operators(scope, receive, send)
            else:
                await respond_problem(send, Problem(405, "only GET and HEAD", headers=[("allow", "GET, HEAD")]))
            return
        target = self._service.fallback
        if literal:
            target = self._service.routes.get(scope["path"], target)
        self._in_flight += 1
        try:
            if target is None:
                raise Problem(404, "nothing is served under this path")
            await target(scope, receive, send)
        except Disconnected:
            pass
        except Exception as error:
            await respond_problem(send, as_problem(error))
        finally:
            self._in_flight -= 1

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._life = asyncio.create_task(self._live(), name="life")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stop.set()
        if not self._entered:
            self._life.cancel()
        _, unfinished = await asyncio.wait({self._life}, timeout=END_SECONDS)
        if unfinished:
            log.warning("%s ends before a frozen server has answered; nothing is lost", self._service.name)
        await send({"type": "lifespan.shutdown.complete"})

    async def _live(self) -> None:
        try:
            async with self._service.running():
                self._entered = True
                # Objects made at the start live as long as the process. Without this every full
                # garbage collection scans them and stops the event loop for 70 ms.
                gc.collect()
                gc.freeze()
                log.info("%s has started", self._service.name)
                await self._stop.wait()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # A service without its life can do nothing:
            # end the process, so that its supervisor starts it again.
            if told := error if isinstance(error, Refused) else refusal(error):
                log.critical("%s ends: %s", self._service.name, told)
            else:
                log.critical("%s failed and ends", self._service.name, exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)
            raise
        finally:
            self._entered = False
        log.info("%s has stopped", self._service.name)

    @property
    def failed(self) -> bool:
        """True if the service's life ended with an error."""
        life = self._life
        return bool(life and life.done() and not life.cancelled() and life.exception())

    def _why_not_ready(self) -> str | None:
        if self.leaving:
            return "stopping"
        return self._service.not_ready() if self._entered else "starting: waiting for what it needs"

    async def _livez(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 200, b'{"alive":true}', _JSON)

    async def _readyz(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        reason = self._why_not_ready()
        body: dict[str, bool | str | None] = {"ready": reason is None, "reason": reason}
        if self._entered and (degraded := self._service.degraded()):
            body["degraded"] = degraded
        await respond(send, 503 if reason else 200, orjson.dumps(body), _JSON)

    async def _metrics(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(
            send, 200, generate_latest(self._service.registry), [(b"content-type", CONTENT_TYPE_LATEST.encode())]
        )


def _closing(send: Send) -> Send:
    async def closing(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return closing


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

        self._acceptors = [Acceptor(each, protocol) for server in self.servers for each in server.sockets]

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: also closes connections that have used up their time."""
        self._application.connections.turn()
        if counter % round(SWEEP_SECONDS * 10) == 0:
            self._application.connections.sweep()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then shut down as uvicorn does."""
        self._application.leaving = True
        await self._left_alone(LEAVING_SECONDS)
        await stop_listening(self.servers, self._acceptors)
        await self._left_alone(LINGER_SECONDS)
        await super().shutdown(sockets)

    async def _left_alone(self, seconds: float) -> None:
        """Wait until no connection is open, at most `seconds`."""
        deadline = time.monotonic() + seconds
        while self.server_state.connections and time.monotonic() < deadline:  # noqa: ASYNC110  (uvicorn has no event)
            await asyncio.sleep(0.02)


def serve(settings: SubscriberSettings, service: Service, hsts: int = 0) -> NoReturn:
    """Run `service` until SIGTERM or SIGINT, then end the process,
    with status 1 if the service's life failed.

    `hsts`: seconds of Strict-Transport-Security in each answer; 0 leaves it out.
    """
    try:
        application = Application(service, limits_of(settings))
    except TooFewDescriptors as error:
        sys.stderr.write(f"The settings are not usable:\n  LUOTDOC_MAX_CONNECTIONS: {error}\n")
        raise SystemExit(2) from None
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=FastPathProtocol if application.fast else HttpProtocol,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        headers=defaults(hsts),
        ws="none",
        proxy_headers=False,  # uvicorn would trust any local peer; LUOTDOC_TRUSTED_PROXIES decides instead
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
    settings = load(kind, unknown.append)
    service = build(settings)
    logs.configure(service.name, settings.log_level)
    for line in unknown:
        log.warning("%s", line)
    serve(settings, service, settings.hsts_seconds)
