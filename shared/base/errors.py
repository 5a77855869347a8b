"""The project's errors.

LuotdocError
├── Transient            a server that we need is away (MongoDB, RabbitMQ): retry until it is back
│   ├── NotTaken         RabbitMQ nacked a message: a queue that it was routed to did not take it
│   └── Unavailable      the same for an HTTP client: 503 with Retry-After
├── Retry                this message failed, others may succeed: climb the retry ladder, then park
├── Permanent            this message would fail again in the same way: park it
│   └── NewerVersion     a document was written by a newer release, which can read it
├── Problem              an error answer to an HTTP client, RFC 9457
└── Refused              a command can't do what it was asked; the text says why and what to do

Any other exception is a bug: it is parked or answered 500, and logged with its traceback.
"""

from collections.abc import Sequence
from typing import Any

INVALID = "the request is not valid"
"""The detail of every 422; its `errors` name the fields."""


class LuotdocError(Exception):
    """Base class of our errors."""


class Transient(LuotdocError):
    """A server that we need is away; the same call may succeed later."""


class NotTaken(Transient):
    """RabbitMQ nacked a message: at least one queue did not take it, others may have."""


class Unavailable(Transient):
    """A request can't be served now: 503.
    `retry_after`: whole seconds after which the client may try again.
    """

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Retry(LuotdocError):
    """A message can't be handled now and may be later.
    `reason` is a short code, the text says what failed.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Permanent(LuotdocError):
    """A message can never be handled.
    `reason` is a short code, the text says what is wrong with it.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class NewerVersion(Permanent):
    """A stored document has a newer version than this release can read. The text names it."""

    def __init__(self, detail: str) -> None:
        super().__init__("newer_version", detail)


class Refused(LuotdocError):
    """A command or a start can't go on. The text is for its user and is shown without a
    traceback.
    """


def expected(error: BaseException) -> LuotdocError | None:
    """The `Refused` or `Transient` in `error`, which may be a group; None if it is a bug."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(expected, error.exceptions)), None)
    return error if isinstance(error, Refused | Transient) else None


class Problem(LuotdocError):
    """An HTTP error answer.
    `errors` names the fields at fault: `[{"path": "image.url", "message": …}]`.
    """

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
