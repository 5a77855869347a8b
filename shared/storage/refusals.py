"""Messages, without a traceback, for faults of MongoDB that an operator must correct."""

import re
from typing import Any

from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.base.plainly import first_line

_LOGIN = {11, 18, 8000}  # UserNotFound, AuthenticationFailed, Atlas' own
_UNAUTHORIZED = 13
_OTHER_SET = re.compile(
    r"replica set named '([^']*)' but this node belongs to a set named '(?!None)([^']*)'|"
    r"No replica set members available for replica set name \"([^\"]*)\""
)


def refusal(error: BaseException) -> Refused | None:
    """The message for a MongoDB `error` that an operator must correct; None for any other error."""
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


def brief(error: BaseException) -> str:
    """PyMongo's message on one line, without the description of all servers that follows it."""
    return re.split(r", Timeout: |, full error: |\(configured timeouts", first_line(error))[
        0
    ].strip()
