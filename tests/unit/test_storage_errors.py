"""Which of PyMongo's errors end by themselves, and which are bugs."""

import importlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pymongo import errors as pymongo

from luotdoc_subscriber.base.errors import Permanent, Transient
from shared.storage.books import Books
from shared.storage.errors import is_duplicate, store, translated


def failure(code: int, label: str = "") -> pymongo.OperationFailure:
    error = pymongo.OperationFailure("refused", code)
    if label:
        error._add_error_label(label)
    return error


def bulk(code: int) -> pymongo.BulkWriteError:
    return pymongo.BulkWriteError({"writeErrors": [{"index": 0, "code": code}]})


ENDS = [
    pymongo.AutoReconnect("h:1: connection closed"),
    pymongo.NetworkTimeout("h:1: timed out"),
    pymongo.NotPrimaryError("not primary"),
    pymongo.ServerSelectionTimeoutError("h:1: refused"),
    pymongo.WaitQueueTimeoutError("timed out"),
    pymongo.ExecutionTimeout("operation exceeded time limit", 50),
    pymongo.CursorNotFound("cursor id 1 not found", 43),
    pymongo.WTimeoutError("waiting for replication timed out", 64),
    pymongo.PyMongoError("the server is not a primary"),
    *(failure(code) for code in (13, 18, 26, 91, 112, 189, 251, 10107, 11600, 11602, 13435, 14031)),
    failure(2, "TransientTransactionError"),
    failure(40324, "RetryableWriteError"),
    bulk(112),
    TimeoutError(),
]
"""A server that is away, electing, shutting down or full; rights that are granted later."""
BUGS = [
    *(failure(code) for code in (2, 9, 14, 40, 52, 56, 57, 59, 66, 121, 10334, 17419, 40324)),
    pymongo.DuplicateKeyError("E11000", 11000),
    pymongo.WriteError("refused", 28),
    bulk(2),
    bulk(11000),
    pymongo.InvalidOperation("no operations to execute"),
    pymongo.InvalidName("a collection's name must not start with '.'"),
]
"""Malformed requests, which fail again for ever."""


@pytest.mark.parametrize("error", ENDS, ids=repr)
def test_what_ends_by_itself_is_transient_and_keeps_its_cause(error: Exception) -> None:
    with pytest.raises(Transient) as raised, translated():
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", BUGS, ids=repr)
def test_a_malformed_request_stays_a_bug(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, translated():
        raise error
    assert raised.value is error
    assert not isinstance(raised.value, Transient)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            pymongo.ServerSelectionTimeoutError("h:1: refused, Timeout: 5s, Topology …"),
            "MongoDB: h:1: refused",
        ),
        (pymongo.AutoReconnect(""), "MongoDB: AutoReconnect"),
        (failure(18), "MongoDB refuses the user or the password of LUOTDOC_MONGO_URL"),
        (TimeoutError(), "MongoDB did not answer in time"),
    ],
)
def test_the_text_is_one_plain_line(error: Exception, text: str) -> None:
    with pytest.raises(Transient) as raised, translated():
        raise error
    assert str(raised.value).startswith(text)
    assert "Topology" not in str(raised.value)


@pytest.mark.parametrize("error", [Permanent("bad_body", "x"), Transient("x"), KeyError("x")])
def test_other_errors_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, translated():
        raise error
    assert raised.value is error


def test_a_duplicate_key_is_found_alone_and_in_a_bulk_write() -> None:
    assert is_duplicate(pymongo.DuplicateKeyError("E11000", 11000))
    assert is_duplicate(bulk(11000))
    assert not is_duplicate(bulk(112))
    assert not is_duplicate(pymongo.AutoReconnect("gone"))


@store
class Shelf:
    """A store whose server is away."""

    closed = False

    async def get(self) -> None:
        raise pymongo.AutoReconnect("gone")

    async def watch(self) -> AsyncIterator[int]:
        try:
            yield 1
            raise pymongo.AutoReconnect("gone")
        finally:
            self.closed = True

    async def handled(self) -> str:
        try:
            await self._duplicate()
        except pymongo.DuplicateKeyError:
            return "there already"
        raise AssertionError

    async def _duplicate(self) -> None:
        raise pymongo.DuplicateKeyError("E11000", 11000)


async def test_every_public_method_of_a_store_raises_our_errors() -> None:
    with pytest.raises(Transient, match="MongoDB: gone"):
        await Shelf().get()
    stream = Shelf().watch()
    assert await anext(stream) == 1
    with pytest.raises(Transient, match="MongoDB: gone"):
        await anext(stream)


async def test_a_store_handles_its_own_errors_first() -> None:
    assert await Shelf().handled() == "there already"


async def test_a_stream_that_is_left_early_is_closed() -> None:
    shelf = Shelf()
    stream = shelf.watch()
    assert await anext(stream) == 1
    await stream.aclose()  # type: ignore[attr-defined]
    assert shelf.closed


def stores() -> list[type]:
    """Every class of the stores with asynchronous methods."""
    modules = [
        importlib.import_module(f"services.{name}.store")
        for name in ("counter", "ingest", "render", "stats")
    ]
    found = [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and methods(kind)
    ]
    return [*found, Books]


def methods(kind: type) -> list[Callable[..., Awaitable[object]]]:
    return [
        method
        for name, method in vars(kind).items()
        if not name.startswith("_")
        and (
            inspect.iscoroutinefunction(inspect.unwrap(method))
            or inspect.isasyncgenfunction(inspect.unwrap(method))
        )
    ]


def test_every_store_is_decorated() -> None:
    kinds = stores()
    assert {kind.__name__ for kind in kinds} >= {"CounterStore", "PageStore", "Store", "Books"}
    for kind in kinds:
        assert all(hasattr(method, "__wrapped__") for method in methods(kind)), kind
