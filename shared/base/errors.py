"""Errors of the services alone. `luotdoc_subscriber.base.errors` has the others.

LuotdocError
├── Transient
│   └── Unavailable      a server that we need is away: 503 with Retry-After
├── Permanent
│   └── NewerVersion     a document was written by a newer release, which can read it
└── Problem              an error answer to an HTTP client, RFC 9457

Any other exception is a bug: it is answered 500, and logged with its traceback.
"""

from collections.abc import Sequence
from typing import Any

from luotdoc_subscriber.base.errors import LuotdocError, Permanent, Transient

INVALID = "the request is not valid"
"""The detail of every 422; its `errors` name the fields."""


class Unavailable(Transient):
    """A request can't be served now: 503.
    `retry_after`: whole seconds after which the client may try again.
    """

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class NewerVersion(Permanent):
    """A stored document has a newer version than this release can read. The text names it."""

    def __init__(self, detail: str) -> None:
        super().__init__("newer_version", detail)


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
