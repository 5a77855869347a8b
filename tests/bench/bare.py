"""The limit: the same HTTP server under the same settings, which reads the body, answers 204 and
does nothing else.

`python -m tests.bench.bare`, with the environment of a service.
"""

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
        status = 200 if scope["path"] == "/readyz" else 204
        headers = [(b"content-length", b"0")] if status == 200 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    server.Application = cast(Any, Bare)  # type: ignore[attr-defined]
    raise SystemExit(server.serve(load_settings(Settings), cast(Any, None)))
