"""The app factory: every service is a `Service`, run the same way.

The HTTP server is up at once, so that `/livez` and `/readyz` tell what a starting process waits for. The service's
own life (`running`) goes on in a task beside it: it connects, patiently, and sets itself ready. On SIGTERM the server
says so (`/readyz` 503, `Connection: close` with each answer), then stops listening, and ends the requests in hand;
then the service's life ends, in the reverse order of its start.
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
"""After SIGTERM, while anybody is connected. Requests are taken as before, each the last of its connection: one that
is used at least so often is given up by both sides at once, and none is closed just as a request comes in on it."""
LINGER_SECONDS = 0.5
"""After that, for connections that were just opened to bring their request."""
HTTP_GRACE_SECONDS = 3
"""Then, for the requests in hand."""
END_SECONDS = 5.0
"""Then, for the end of the service's life. With `shared.web.listening`'s moment all of it is less than 10 seconds."""

_JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


@dataclass
class Service:
    """What a composition root builds."""

    name: str
    running: Callable[[], AbstractAsyncContextManager[None]]
    """The service's life: entered after start, left at stop. It may take as long to enter as servers are away."""
    not_ready: Callable[[], str | None]
    """None when the service can do its job, else the reason why it can't."""
    routes: Mapping[str, App] = field(default_factory=lambda: MappingProxyType({}))
    """Hot paths: an exact path and the raw ASGI app that answers it."""
    fallback: App | None = None
    """Answers every other path."""
    fast: Mapping[bytes, Handler] = field(default_factory=lambda: MappingProxyType({}))
    """What may answer a small POST to an exact path without ASGI; it is one of `routes`, too."""
    registry: metrics.Registry = field(default_factory=metrics.new_registry)
    """What `/metrics` shows: the groups of `shared.base.metrics` that the service measures."""
    degraded: Callable[[], str | None] = lambda: None
    """None when all is well, else what works less well although the service is ready; `/readyz` tells."""


class Application:
    """The ASGI app of a service."""

    def __init__(self, service: Service, limits: Limits | None = None) -> None:
        self._service = service
        self._entered = False
        self.fast = service.fast
        self.leaving = False
        """From SIGTERM on: each answer closes its connection."""
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
        # As it was sent: what stands before us forwards none of these to strangers, and knows them by their bytes.
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
            log.warning("%s ends without the answer of a server that has frozen; nothing is lost", self._service.name)
        await send({"type": "lifespan.shutdown.complete"})

    async def _live(self) -> None:
        try:
            async with self._service.running():
                self._entered = True
                # What a start has made stays for good: without it a full collection is short (70 ms before).
                gc.collect()
                gc.freeze()
                log.info("%s has started", self._service.name)
                await self._stop.wait()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # Without its life a service can do nothing: end the process, and let who started it start it again.
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
        """True when the service's life ended with an error."""
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
    """Leaves without breaking a connection that a request is coming in on, as uvicorn alone does."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application
        self._acceptors: list[Acceptor] = []

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's; it doesn't return, but ends the process.

        Python would first wait for threads and tasks that may wait for the answer of a frozen server, some for ever.
        """
        await super().serve(sockets)
        logging.shutdown()
        os._exit(1 if self._application.failed else 0)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's, which accepts one connection in each turn of the loop; and more of them."""
        await super().startup(sockets)

        def protocol() -> HttpProtocol:
            kind: Any = self.config.http_protocol_class
            connection: HttpProtocol = kind(self.config, self.server_state, self.lifespan.state)
            return connection

        self._acceptors = [Acceptor(each, protocol) for server in self.servers for each in server.sockets]

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's, ten times a second; some of them end connections that take too long."""
        self._application.connections.turn()
        if counter % round(SWEEP_SECONDS * 10) == 0:
            self._application.connections.sweep()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's, after some time to leave."""
        self._application.leaving = True
        await self._left_alone(LEAVING_SECONDS)
        await stop_listening(self.servers, self._acceptors)
        await self._left_alone(LINGER_SECONDS)
        await super().shutdown(sockets)

    async def _left_alone(self, seconds: float) -> None:
        """Wait until nobody is connected, at most so long."""
        deadline = time.monotonic() + seconds
        while self.server_state.connections and time.monotonic() < deadline:  # noqa: ASYNC110  (uvicorn has no event)
            await asyncio.sleep(0.02)


def serve(settings: SubscriberSettings, service: Service, hsts: int = 0) -> NoReturn:
    """Run `service` until SIGTERM or SIGINT, and end the process: with status 1 if its life has failed.

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
        proxy_headers=False,  # whom to trust is our own setting; uvicorn would believe any local peer
        timeout_graceful_shutdown=HTTP_GRACE_SECONDS,
    )
    server = _Server(config, application)

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    # uvicorn handles signals while it serves, and raises them again after its clean end, which would end us with a
    # signal's status; one that comes before it serves must not be lost either.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server.run()
    raise AssertionError("the server has ended the process")


def main(kind: type[S], build: Callable[[S], Service]) -> None:
    """The process of a service: settings from the environment, JSON logs, run."""
    unknown: list[str] = []
    settings = load(kind, unknown.append)
    service = build(settings)
    logs.configure(service.name, settings.log_level)
    for line in unknown:
        log.warning("%s", line)
    serve(settings, service, settings.hsts_seconds)
