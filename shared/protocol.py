"""uvicorn's HTTP protocol, mended."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpProtocol(HttpToolsProtocol):
    """Lets go of each connection when it ends.

    uvicorn's own leaves the keep-alive timer of a connection that was reset running, and the timer holds all of the
    connection until it fires: 75 s of dead connections, some 5 KB each, from any proxy that closes idle ones so.
    """

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, however it ended."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
