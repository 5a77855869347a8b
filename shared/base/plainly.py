"""One-line messages, without a traceback, for faults that an operator must correct;
they say what to do.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Coroutine
from typing import Any

from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from shared.base.errors import Refused

_LOGIN = {11, 18, 8000}  # UserNotFound, AuthenticationFailed, Atlas' own
_UNAUTHORIZED = 13
_OTHER_SET = re.compile(
    r"replica set named '([^']*)' but this node belongs to a set named '(?!None')([^']*)'|"
    r"No replica set members available for replica set name \"([^\"]*)\""
)


def refusal(error: BaseException) -> Refused | None:
    """The message for a MongoDB `error` that an operator must correct; None for any other error."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(refusal, error.exceptions)), None)
    if isinstance(error, OperationFailure) and error.code in _LOGIN:
        return Refused(
            "MongoDB refuses the user or the password of LUOTDOC_MONGO_URL: correct "
            "them; authSource=… in it names the "
            "database that holds the user"
        )
    if isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
        if "requires authentication" in str(error):
            return Refused(
                "MongoDB wants a login: put user:password@ before the host in LUOTDOC_MONGO_URL"
            )
        what = str(error).partition("{")[0].strip()
        return Refused(
            f"MongoDB: {what}: grant the user of LUOTDOC_MONGO_URL the role readWrite on its "
            "database"
        )
    if isinstance(error, ConfigurationError):
        return Refused(f"LUOTDOC_MONGO_URL can't be used: {first_line(error)}")
    if isinstance(error, PyMongoError) and (found := _OTHER_SET.search(str(error))):
        wrong = found[1] or found[3]
        right = f"'{found[2]}'" if found[2] else "another one"
        return Refused(
            f"LUOTDOC_MONGO_URL says replicaSet={wrong}, and the server belongs to {right}: "
            "correct it"
        )
    return None


def lacking(login: dict[str, Any], database: str) -> str | None:
    """The rights that a user lacks in `database`, as text; None if it has all.
    `login` is from `connectionStatus`.

    A user with privileges on single collections passes: they are not checked one by one.
    """
    if not login["authenticatedUsers"]:
        return None
    granted: set[str] = set()
    for privilege in login["authenticatedUserPrivileges"]:
        resource = privilege["resource"]
        if resource.get("anyResource") or (
            resource.get("db") in ("", database) and resource.get("collection") == ""
        ):
            granted |= set(privilege["actions"])
        elif resource.get("db") == database and not resource["collection"].startswith("system."):
            return None
    missing = [action for action in ("find", "insert", "update", "remove") if action not in granted]
    return f"may not {', '.join(missing)}" if missing else None


def first_line(error: BaseException) -> str:
    """An error's text as one line of at most 300 characters;
    the name of its type if it has no text.
    """
    return " ".join(str(error).split())[:300] or type(error).__name__


def perform(work: Coroutine[Any, Any, int | None], stopped: str = "stopped") -> int:
    """Run an operator's command and answer its exit status.
    Faults that its user can correct: one line, status 1.
    """
    for name in ("aio_pika", "aiormq"):  # they log each failure a second time
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work) or 0
    except Refused as error:
        told = str(error)
    except PyMongoError as error:
        told = str(
            refusal(error)
            or f"MongoDB: {brief(error)}: is it up, at the address of LUOTDOC_MONGO_URL?"
        )
    except KeyboardInterrupt:
        sys.stderr.write(f"{stopped}\n")
        return 130
    sys.stderr.write(f"{told}\n")
    return 1


def brief(error: PyMongoError) -> str:
    """PyMongo's message without the description of all servers that follows it."""
    return re.split(r", Timeout: |, full error: |\(configured timeouts", first_line(error))[
        0
    ].strip()
