"""The project's errors.

LuotdocError
├── Transient            something that we need is away (database, broker): try again until it is back
│   ├── NotTaken         RabbitMQ has refused a message: a queue that it was routed to did not take it
│   └── Unavailable      the same towards an HTTP client: 503 with Retry-After
├── Retry                this message failed, others need not: try again some times, then park it, with `reason`
├── Permanent            will fail again in the same way: park the message, with `reason`
├── Problem              an answer to an HTTP client, RFC 9457
└── Refused              a command cannot do what it was asked; the text says why, and what to do

Anything else that is raised is a bug: it is parked or answered 500, and logged with its traceback.
"""

from collections.abc import Sequence
from typing import Any

INVALID = "the request is not valid"
"""The detail of every 422; its `errors` name the fields."""


class LuotdocError(Exception):
    """The root of what we raise ourselves."""


class Transient(LuotdocError):
    """Something that we need is away; the same call may succeed later."""


class NotTaken(Transient):
    """RabbitMQ has refused a message, for at least one queue did not take it; others may have."""


class Unavailable(Transient):
    """As `Transient`, with the number of whole seconds after which a client may try again."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Retry(LuotdocError):
    """A message that could not be handled, and may be later. `reason` is a short code, the text says what failed."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Permanent(LuotdocError):
    """A message that can never be handled. `reason` is a short code, the text says what was wrong."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Refused(LuotdocError):
    """Told to whoever typed the command, without a traceback."""


class Problem(LuotdocError):
    """An HTTP error answer. `errors` names the fields at fault: `[{"path": "image.url", "message": …}]`."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[dict[str, str]] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = list(headers)

    @classmethod
    def invalid(cls, path: str, message: str) -> "Problem":
        """422 for one field or parameter: `path` names it, `message` says what it must be."""
        return cls(422, INVALID, [{"path": path, "message": message}])

    def body(self, title: str) -> dict[str, Any]:
        """The members of the problem document (RFC 9457, section 3.1)."""
        members: dict[str, Any] = {"type": "about:blank", "title": title, "status": self.status}
        members["detail"] = self.detail
        if self.errors:
            members["errors"] = self.errors
        return members
