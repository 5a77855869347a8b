"""Writes of many documents in one command, each with its own outcome."""

from collections.abc import Sequence

from bson.errors import BSONError
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from shared.storage.errors import is_bug
from shared.storage.types import MongoCollection

WriteOutcome = Exception | None
"""The error of a write; None if it is done."""


async def each_written(
    collection: MongoCollection, writes: Sequence[UpdateOne]
) -> list[WriteOutcome]:
    """Write documents in one command, in any order. Returns the outcome of each write.

    Raises PyMongo's errors that are no write's own, as while the server is away. If the command is
    at fault, as by a document that is too large, each write is tried alone.
    """
    if not writes:
        return []
    try:
        await collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        return _outcomes(error, len(writes))
    except PyMongoError as error:
        if not is_bug(error):
            raise
        return await _alone(collection, writes, error)
    except (BSONError, OverflowError, ValueError) as error:  # BSON can't hold the document
        return await _alone(collection, writes, error)
    return [None] * len(writes)


async def _alone(
    collection: MongoCollection, writes: Sequence[UpdateOne], error: Exception
) -> list[WriteOutcome]:
    if len(writes) == 1:
        return [error]
    return [(await each_written(collection, [write]))[0] for write in writes]


def _outcomes(error: BulkWriteError, number: int) -> list[WriteOutcome]:
    details = error.details
    for unconfirmed in details.get("writeConcernErrors", ()):  # of the whole command
        raise OperationFailure(unconfirmed["errmsg"], unconfirmed["code"], unconfirmed) from error
    outcomes: list[WriteOutcome] = [None] * number
    for fault in details["writeErrors"]:
        outcomes[fault["index"]] = OperationFailure(fault["errmsg"], fault["code"], fault)
    return outcomes
