"""Messages, without a traceback, for faults of MongoDB that an operator must correct."""

import re
from typing import Any

from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.base.plainly import first_line
from shared.storage.rights import RIGHTS, actions

_LOGIN = {11, 18, 8000}  # UserNotFound, AuthenticationFailed, Atlas' own
_UNAUTHORIZED = 13
_UNCHECKED = {"collMod"}
"""Actions that a start does without: the role readWrite lacks it, and only a release that changes
an expiry needs it."""
SESSIONLESS = "Sessions are not supported"
"""PyMongo says this, as a fault of its configuration, of a server that has just been started and
does not know its replica set yet. Every server that we can run on has sessions."""
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
            f"MongoDB: {what}: grant the user of LUOTDOC_MONGO_URL the role of its service in "
            "deploy/mongodb/roles.json"
        )
    if isinstance(error, ConfigurationError) and SESSIONLESS not in str(error):
        return Refused(f"LUOTDOC_MONGO_URL can't be used: {first_line(error)}")
    if isinstance(error, PyMongoError) and (found := _OTHER_SET.search(str(error))):
        wrong = found[1] or found[3]
        right = f"'{found[2]}'" if found[2] else "another one"
        return Refused(
            f"LUOTDOC_MONGO_URL says replicaSet={wrong}, and the server belongs to {right}: "
            "correct it"
        )
    return None


def lacking(login: dict[str, Any], database: str, service: str) -> str | None:
    """The rights of `service` that a user lacks in `database`, as text; None if it has all, or if
    the server wants no login. `login` is from `connectionStatus` with `showPrivileges`.
    """
    if not login["authenticatedUsers"]:
        return None
    missing = {
        collection: lacks
        for collection, words in RIGHTS[service].items()
        if (lacks := set(actions(words)) - _UNCHECKED - _granted(login, database, collection))
    }
    if not missing:
        return None
    collection, first = next(iter(missing.items()))
    others = len(missing) - 1
    return f"may not {', '.join(sorted(first))} in {collection or 'all collections'}" + (
        f", and lacks rights in {others} more" if others else ""
    )


def _granted(login: dict[str, Any], database: str, collection: str) -> set[str]:
    """The actions that the user's privileges allow on `collection`, or on all if it is empty."""
    return {
        action
        for privilege in login["authenticatedUserPrivileges"]
        for resource in [privilege["resource"]]
        if resource.get("anyResource")
        or (resource.get("db") in ("", database) and resource.get("collection") in ("", collection))
        for action in privilege["actions"]
    }


def brief(error: BaseException) -> str:
    """PyMongo's message on one line, without the description of all servers that follows it."""
    return re.split(r", Timeout: |, full error: |\(configured timeouts", first_line(error))[
        0
    ].strip()
