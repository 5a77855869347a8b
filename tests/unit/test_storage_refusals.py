"""Which faults of MongoDB an operator must correct, and what the message says."""

from typing import Any

import pytest
from pymongo.errors import ConfigurationError, OperationFailure, ServerSelectionTimeoutError

from shared.storage.refusals import lacking, refusal


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OperationFailure("Authentication failed., full error: {…}", 18),
            "refuses the user or the password",
        ),
        (
            OperationFailure("command find requires authentication", 13),
            "put user:password@ before the host",
        ),
        (
            OperationFailure(
                'not authorized on luotdoc to execute command { insert: "articles" }', 13
            ),
            "MongoDB: not authorized on luotdoc to execute command: grant the user",
        ),
        (
            ConfigurationError("The DNS query name does not exist:\n_mongodb._tcp.h."),
            "LUOTDOC_MONGO_URL can't be used",
        ),
        (
            ServerSelectionTimeoutError(
                "client is configured to connect to a replica set named 'a' but this "
                "node belongs to a set named 'b', …"
            ),
            "replicaSet=a, and the server belongs to 'b'",
        ),
        (
            ServerSelectionTimeoutError(
                'No replica set members available for replica set name "a", Timeout: 3.0s'
            ),
            "replicaSet=a, and the server belongs to another one",
        ),
    ],
)
def test_a_fault_of_the_address_or_the_user_is_told(error: Exception, told: str) -> None:
    said = refusal(error)
    assert said is not None
    assert told in str(said)
    assert "\n" not in str(said)


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("write conflict", 112),
        ServerSelectionTimeoutError("127.0.0.1:27017: [Errno 111] Connection refused"),
        ServerSelectionTimeoutError(
            "a replica set named 'a' but this node belongs to a set named 'None'"
        ),
        ValueError("Authentication failed."),
    ],
)
def test_what_may_go_away_by_itself_or_is_a_bug_is_not(error: Exception) -> None:
    assert refusal(error) is None


def login(*privileges: dict[str, Any], user: str | None = "u") -> dict[str, Any]:
    return {
        "authenticatedUsers": [{"user": user}] if user else [],
        "authenticatedUserPrivileges": list(privileges),
    }


def on(db: str, collection: str, *actions: str) -> dict[str, Any]:
    return {"resource": {"db": db, "collection": collection}, "actions": list(actions)}


ALL = ("find", "insert", "update", "remove")


def test_what_a_user_lacks() -> None:
    assert lacking(login(), "luotdoc") == "may not find, insert, update, remove"
    assert lacking(
        login(on("luotdoc", "", "find"), on("luotdoc", "system.js", *ALL)), "luotdoc"
    ) == ("may not insert, update, remove")
    assert lacking(
        login(on("other", "", *ALL), {"resource": {"cluster": True}, "actions": []}), "luotdoc"
    )
    assert lacking(login(on("luotdoc", "", *ALL)), "luotdoc") is None
    assert lacking(login(on("", "", *ALL)), "luotdoc") is None
    assert lacking(login({"resource": {"anyResource": True}, "actions": [*ALL]}), "luotdoc") is None
    assert (
        lacking(login(on("luotdoc", "articles", "find")), "luotdoc") is None
    )  # whoever made that role knows why
    assert lacking(login(user=None), "luotdoc") is None
