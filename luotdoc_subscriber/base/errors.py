"""The errors that a handler or a command raises.

LuotdocError
├── Transient            a server that we need is away (MongoDB, RabbitMQ): retry until it is back
│   └── NotTaken         RabbitMQ nacked a message: a queue that it was routed to did not take it
├── Retry                this message failed, others may succeed: climb the retry ladder, then park
├── Permanent            this message would fail again in the same way: park it
└── Refused              a command can't do what it was asked; the text says why and what to do

Any other exception is a bug: the message is parked, and the traceback is logged.
"""


class LuotdocError(Exception):
    """Base class of our errors."""


class Transient(LuotdocError):
    """A server that we need is away; the same call may succeed later."""


class NotTaken(Transient):
    """RabbitMQ nacked a message: at least one queue did not take it, others may have."""


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


class Refused(LuotdocError):
    """A command or a start can't go on. The text is for its user and is shown without a
    traceback.
    """


def expected(error: BaseException) -> LuotdocError | None:
    """The `Refused` or `Transient` in `error`, which may be a group; None if it is a bug."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(expected, error.exceptions)), None)
    return error if isinstance(error, Refused | Transient) else None
