"""The limit: the same HTTP server under the same settings, which reads the body, answers 204 and
does nothing else. To `/bytes/<n>` it answers 200 with so many bytes.

`python -m tests.bench.bare`, with the environment of a service.
"""

from types import SimpleNamespace
from typing import Any, ClassVar, cast

from shared.base.settings import Settings, load_settings
from shared.web import server
from shared.web.asgi import Receive, Scope, Send
from shared.web.connections import Connections, Limits


class Bare:
    """Replaces the application in `shared.web.server.serve`: uvicorn runs under the services' own
    settings.
    """

    failed, leaving = False, False
    fast: ClassVar[dict[bytes, Any]] = {}
    fast_get = None
    _bodies: ClassVar[dict[str, bytes]] = {}

    def __init__(self, _service: object, limits: Limits) -> None:
        self.connections = Connections(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
            return
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        path, body = scope["path"], b""
        if path.startswith("/bytes/"):
            body = self._bodies.get(path) or self._bodies.setdefault(path, b"x" * int(path[7:]))
        status = 200 if body or path == "/readyz" else 204
        headers = [(b"content-length", b"%d" % len(body))] if status == 200 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    server.Application = cast(Any, Bare)  # type: ignore[attr-defined]
    raise SystemExit(server.serve(load_settings(Settings), cast(Any, SimpleNamespace(endless=0))))
