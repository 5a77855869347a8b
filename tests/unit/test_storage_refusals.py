"""Which faults of MongoDB an operator must correct, and what the message says."""

from typing import Any

import pytest
from pymongo.errors import ConfigurationError, OperationFailure, ServerSelectionTimeoutError

from shared.storage.refusals import lacking, refusal
from shared.storage.rights import RIGHTS, privileges


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
        ConfigurationError("Sessions are not supported by this MongoDB deployment"),
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


ALL = ("find", "insert", "update", "remove", "changeStream", "listCollections", "listIndexes")
"""Of the role readWrite, which a single user for all services may have."""


@pytest.mark.parametrize("service", ["ingest", "render", "counter", "stats"])
def test_a_user_of_all_services_has_the_rights_of_each(service: str) -> None:
    for resource in (
        {"db": "luotdoc", "collection": ""},
        {"db": "", "collection": ""},
        {"anyResource": True},
    ):
        granted = login({"resource": resource, "actions": [*ALL]})
        assert lacking(granted, "luotdoc", service) is None
    assert lacking(login(user=None), "luotdoc", service) is None


def test_a_user_with_the_role_of_its_service_has_its_rights() -> None:
    for service in RIGHTS:
        assert lacking(login(*privileges(service, "luotdoc")), "luotdoc", service) is None


def test_setup_starts_without_the_right_to_change_an_expiry() -> None:
    """The role readWrite has no `collMod`."""
    granted = on("luotdoc", "", *ALL, "createCollection", "createIndex")
    assert lacking(login(granted), "luotdoc", "setup") is None
    assert lacking(login(on("luotdoc", "", *ALL)), "luotdoc", "setup") == (
        "may not createCollection, createIndex in all collections"
    )


LOOK = on("luotdoc", "", "listCollections", "listIndexes")


@pytest.mark.parametrize(
    ("privileges", "lacks"),
    [
        ([], "may not listCollections, listIndexes in all collections, and lacks rights in 5 more"),
        ([on("luotdoc", "", *ALL[:4])], "may not listCollections, listIndexes in all collections, "
         "and lacks rights in 1 more"),
        ([LOOK, on("other", "", *ALL)], "may not changeStream, find, insert, update in pages, "
         "and lacks rights in 4 more"),
        ([LOOK, on("luotdoc", "system.js", *ALL), {"resource": {"cluster": True}, "actions": ALL}],
         "may not changeStream, find, insert, update in pages, and lacks rights in 4 more"),
        ([LOOK, on("luotdoc", "pages", *ALL), on("luotdoc", "counts", "find")],
         "may not find in media, and lacks rights in 2 more"),
        ([on("luotdoc", "", "find", *LOOK["actions"]), on("luotdoc", "pages", *ALL[:4])],
         "may not changeStream in pages, and lacks rights in 1 more"),
    ],
)  # fmt: skip
def test_what_a_user_lacks(privileges: list[dict[str, Any]], lacks: str) -> None:
    assert lacking(login(*privileges), "luotdoc", "render") == lacks
