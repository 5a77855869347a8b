"""PyMongo's errors as ours. They end here: outside the stores an error is one of ours, or a bug.

Most errors of MongoDB end by themselves: a server that is away, frozen, full or electing a primary.
They become `Transient`. An error that the same call would meet again for ever, such as a malformed
query, stays as it is: it is a bug, and must not be retried silently.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

from pymongo.errors import (
    CollectionInvalid,
    EncryptionError,
    InvalidName,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
)

from luotdoc_subscriber.base.errors import Transient
from shared.storage.refusals import brief, refusal

C = TypeVar("C")

DUPLICATE_KEY = frozenset({11000, 11001, 12582})
_MALFORMED = DUPLICATE_KEY | {
    2,  # BadValue
    4,  # NoSuchKey
    9,  # FailedToParse
    14,  # TypeMismatch
    15,  # Overflow
    16,  # InvalidLength
    22,  # InvalidBSON
    28,  # PathNotViable
    30,  # InvalidPath
    40,  # ConflictingUpdateOperators
    52,  # DollarPrefixedFieldName
    53,  # InvalidIdField
    54,  # NotSingleValueField
    56,  # EmptyFieldName
    57,  # DottedFieldName
    59,  # CommandNotFound
    66,  # ImmutableField
    72,  # InvalidOptions
    73,  # InvalidNamespace
    85,  # IndexOptionsConflict
    86,  # IndexKeySpecsConflict
    121,  # DocumentValidationFailure
    168,  # InvalidPipelineOperator
    197,  # InvalidIndexSpecificationOption
    241,  # ConversionFailure
    10334,  # BSONObjectTooLarge
}
"""Codes of requests that MongoDB will never carry out."""
_FIRST_LOCATION = 10_000
_OF_THE_SERVER = frozenset(
    {10058, 10107, 11600, 11601, 11602, 12586, 12587, 13388, 13435, 13436, 14031, 46841}
)
"""The codes from 10000 on that tell a server's state: stepping down, shutting down, disk full.
The others there number a check in the server's source, nearly all of them of the request."""


def codes(error: PyMongoError) -> set[int]:
    """MongoDB's codes of `error`, including those of the single writes in a bulk write."""
    details = getattr(error, "details", None) or {}
    found = {write["code"] for write in details.get("writeErrors", ())}
    if isinstance(error, OperationFailure) and error.code is not None:
        found.add(error.code)
    return found


def is_duplicate(error: Exception | None) -> bool:
    """True if a document with this key is there already."""
    return isinstance(error, PyMongoError) and bool(codes(error) & DUPLICATE_KEY)


def is_bug(error: PyMongoError) -> bool:
    """True if the same call would fail again for ever, because the request is at fault."""
    if error.has_error_label("TransientTransactionError") or error.has_error_label(
        "RetryableWriteError"
    ):
        return False
    if isinstance(error, InvalidOperation | InvalidName | CollectionInvalid | EncryptionError):
        return True
    return any(
        code in _MALFORMED or (code >= _FIRST_LOCATION and code not in _OF_THE_SERVER)
        for code in codes(error)
    )


@contextmanager
def translated() -> Iterator[None]:
    """Raise `Transient` in place of PyMongo's errors and of timeouts; a bug stays as it is.

    The original error is the `__cause__`.
    """
    try:
        yield
    except PyMongoError as error:
        if is_bug(error):
            raise
        raise Transient(str(refusal(error) or f"MongoDB: {brief(error)}")) from error
    except TimeoutError as error:
        raise Transient("MongoDB did not answer in time") from error


def store(kind: type[C]) -> type[C]:
    """Class decorator: every public coroutine and asynchronous generator of `kind` raises our
    errors, as `translated` does.

    Private methods keep PyMongo's errors, because a store may handle them.
    """
    for name, method in list(vars(kind).items()):
        if name.startswith("_"):
            continue
        if inspect.iscoroutinefunction(method):
            setattr(kind, name, _coroutine(method))
        elif inspect.isasyncgenfunction(method):
            setattr(kind, name, _generator(method))
    return kind


def _coroutine(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def wrapper(*arguments: Any, **named: Any) -> Any:
        with translated():
            return await method(*arguments, **named)

    return wrapper


def _generator(method: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    @functools.wraps(method)
    async def wrapper(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
        with translated():
            async with aclosing(method(*arguments, **named)) as items:  # type: ignore[type-var]
                async for item in items:
                    yield item

    return wrapper
