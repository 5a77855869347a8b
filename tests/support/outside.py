"""What stands outside in the tests of subscribers: a cache that can be purged, and a mail
server.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Cache:
    """Answers PURGE with `status`, and keeps host and path of what was purged."""

    status: int = 200
    purged: list[str] = field(default_factory=list)
    asked: int = 0
    url: str = ""
    connections: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        self.connections.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, path, _ = head.decode().split(" ", 2)
                host = next(
                    line[6:]
                    for line in head.decode().split("\r\n")
                    if line.lower().startswith("host: ")
                )
                assert method == "PURGE"
                self.asked += 1
                if self.status == 200:
                    self.purged.append(f"http://{host}{path}")
                writer.write(f"HTTP/1.1 {self.status} x\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@dataclass
class MailServer:
    """Takes every mail, and keeps sender, recipients and text."""

    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    address: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session of the commands that a plain client uses."""
        sender = ""
        recipients: list[str] = []
        writer.write(b"220 test\r\n")
        while line := (await reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            answer = "250 ok"
            if verb == "MAIL":
                sender, recipients = rest, []
            elif verb == "RCPT":
                recipients.append(rest)
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                text = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
                self.mails.append((sender, recipients, text))
            elif verb == "QUIT":
                answer = "221 bye"
            writer.write(f"{answer}\r\n".encode())
            if verb == "QUIT":
                break
        writer.close()


@asynccontextmanager
async def cache() -> AsyncIterator[Cache]:
    """A cache for as long as the block runs."""
    one = Cache()
    async with await asyncio.start_server(one.serve, "127.0.0.1") as server:
        one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield one
        for connection in one.connections:
            connection.close()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server for as long as the block runs."""
    one = MailServer()
    async with await asyncio.start_server(one.serve, "127.0.0.1") as server:
        one.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield one
