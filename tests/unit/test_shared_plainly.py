"""What people can mend is told on one line."""

from typing import Any

import pytest
from pymongo.errors import ConfigurationError, OperationFailure, ServerSelectionTimeoutError

from shared.base.errors import Refused
from shared.base.plainly import lacking, perform, refusal


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
        (ExceptionGroup("tasks", [ValueError(), OperationFailure("", 18)]), "refuses the user"),
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
        ExceptionGroup("tasks", [ValueError()]),
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


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (Refused("do this"), 1, "do this\n"),
        (
            ServerSelectionTimeoutError("h:1: refused, Timeout: 5s, Topology…"),
            1,
            "MongoDB: h:1: refused: is it up",
        ),
        (OperationFailure("", 18), 1, "MongoDB refuses the user"),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_a_command_ends_with_one_line(
    error: BaseException, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        raise error

    assert perform(work()) == status
    said = capsys.readouterr().err
    assert said.startswith(told)
    assert said.count("\n") == 1


def test_a_command_that_did_it_says_how_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> int:
        return 2

    assert perform(work()) == 2
    assert capsys.readouterr().err == ""
