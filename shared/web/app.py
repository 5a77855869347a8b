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
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from luotdoc_subscriber.base.errors import expected
from luotdoc_subscriber.base.metrics import Process, Registry, new_registry
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer
from shared.base import metrics
from shared.base.errors import Problem
from shared.web.asgi import App, Disconnected, Receive, Scope, Send, respond
from shared.web.connections import Connections, Limits
from shared.web.fastpath import FastHandler
from shared.web.problems import as_problem, respond_problem

log = logging.getLogger(__name__)

END_SECONDS = 5.0
"""Last phase: time for the service's life to end."""

EXPORT_SECONDS = 0.4
"""Time for the export of the last spans, after the service's life."""

_JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


@dataclass
class Service:
    """A service as its composition root builds it: the HTTP apps, the life and the health
    checks.
    """

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
    fast: Mapping[bytes, FastHandler] = field(default_factory=lambda: MappingProxyType({}))
    """Handlers that may answer a small POST to an exact path without ASGI.
    Each path is in `routes` too."""
    fast_get: FastHandler | None = None
    """A handler that may answer a GET of any path without ASGI. It answers at once or not at all:
    what operators ask for (`/readyz`) is not its own."""
    registry: Registry = field(default_factory=new_registry)
    """The metrics that `/metrics` exposes:
    the groups that the service measures."""
    degraded: Callable[[], str | None] = lambda: None
    """None, or the part that works less well although the service is ready; `/readyz` shows it."""
    leaving: Callable[[], None] = lambda: None
    """Called at SIGTERM, before anything else: it ends the answers that have no end."""
    endless: int = 0
    """Upper bound for the answers without an end, for which there are connections besides."""
    tracer: Tracer = UNTRACED
    """Closed when the process ends."""


class Application:
    """The ASGI app of a service."""

    def __init__(self, service: Service, limits: Limits | None = None) -> None:
        self._service = service
        self._entered = False
        self.fast, self.fast_get = service.fast, service.fast_get
        self.leaving = False
        """True from SIGTERM on: each answer closes its connection."""
        self._stop = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._in_flight = 0
        serving = metrics.Serving(service.registry)
        Process(service.registry).ready.set_function(lambda: 0.0 if self._why_not_ready() else 1.0)
        serving.in_flight.read(lambda: self._in_flight - len(self.connections.endless))
        self.connections = Connections(
            limits, ended=lambda reason: serving.connections_ended.labels(reason).inc()
        )
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
                await respond_problem(
                    send, Problem(405, "only GET and HEAD", headers=[("allow", "GET, HEAD")])
                )
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

    def leave(self) -> None:
        """Begin to stop: answers close their connection from now on, and endless ones end."""
        self.leaving = True
        self._service.leaving()

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
            log.warning(
                "%s ends before a frozen server has answered; nothing is lost", self._service.name
            )
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
            if told := expected(error):
                log.critical("%s ends: %s", self._service.name, told)
            else:
                log.critical("%s failed and ends", self._service.name, exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)
            raise
        finally:
            self._entered = False
        log.info("%s has stopped", self._service.name)

    async def close_tracer(self) -> None:
        """Export the last spans, as far as that takes `EXPORT_SECONDS`."""
        if self._service.tracer.on:
            # Neither awaited to its end nor cancelled: the process ends next, and its threads too.
            closing = asyncio.create_task(asyncio.to_thread(self._service.tracer.close))
            await asyncio.wait({closing}, timeout=EXPORT_SECONDS)

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
            send,
            200,
            generate_latest(self._service.registry),
            [(b"content-type", CONTENT_TYPE_LATEST.encode())],
        )


def _closing(send: Send) -> Send:
    async def closing(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return closing
