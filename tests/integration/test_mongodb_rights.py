"""Each service has its own MongoDB user, which may do the work of this service and nothing else.

The other tests run every service as its own user, so they notice a right that is missing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pymongo
import pytest
from pymongo.database import Database as Collections
from pymongo.errors import OperationFailure

from deploy.local.database import Database
from shared.storage.rights import RIGHTS
from tests.support.system import EDITOR, System, until

Document = dict[str, Any]
Act = Callable[[Collections[Document]], object]
UNAUTHORIZED = 13
SERVICES = ["ingest", "render", "counter", "stats"]


def find(collection: str) -> Act:
    return lambda db: db[collection].find_one({})


def insert(collection: str) -> Act:
    return lambda db: db[collection].insert_one({"_id": "forged"})


def update(collection: str) -> Act:
    return lambda db: db[collection].update_one({}, {"$set": {"forged": True}})


def delete(collection: str) -> Act:
    return lambda db: db[collection].delete_many({})


def drop(collection: str) -> Act:
    return lambda db: db.drop_collection(collection)


def look_up(collection: str, other: str) -> Act:
    joined = {"from": other, "localField": "_id", "foreignField": "_id", "as": "spied"}
    return lambda db: list(db[collection].aggregate([{"$lookup": joined}]))


def watch(collection: str) -> Act:
    def act(db: Collections[Document]) -> object:
        with db[collection].watch() as stream:
            return stream.try_next()

    return act


def write_out(collection: str, target: str) -> Act:
    return lambda db: list(db[collection].aggregate([{"$out": target}]))


def command(name: str, value: object = 1, **arguments: Any) -> Act:
    return lambda db: db.command(name, value, **arguments)


ANYONE: dict[str, Act] = {
    "create a user": command("createUser", "thief", pwd="x", roles=["readWrite"]),
    "give itself a role": command("grantRolesToUser", "stats", roles=["setup"]),
    "change a role": command("updateRole", "stats", privileges=[], roles=[]),
    "read another's password": lambda db: db.client.admin["system.users"].find_one({}),
    "read the replica set's log": lambda db: db.client.local["oplog.rs"].find_one({}),
    "drop the database": command("dropDatabase"),
    "store in another database": lambda db: db.client["other"].things.insert_one({}),
    "stop the server": lambda db: db.client.admin.command("shutdown"),
}
"""What no service may do."""

FORBIDDEN: dict[str, dict[str, Act]] = {
    "setup": {
        "read articles": find("articles"),
        "write counts": update("counts"),
        "empty the ledger": delete("ledger"),
        "drop the ledger": drop("ledger"),
    },
    "ingest": {
        "write pages": insert("pages"),
        "read counts": find("counts"),
        "forge a ledger entry": insert("ledger"),
        "delete articles": delete("articles"),
        "drop articles": drop("articles"),
        "delete a salt": delete("salts"),
        "let a key of a batch be forgotten": delete("read_keys"),
        "watch pages": watch("pages"),
    },
    "render": {
        "read the outbox": find("outbox"),
        "read the salts": find("salts"),
        "read articles": find("articles"),
        "write counts": update("counts"),
        "write pictures": insert("media"),
        "delete pages": delete("pages"),
        "read the outbox by a join": look_up("pages", "outbox"),
        "copy counts into its pages": write_out("counts", "pages"),
    },
    "counter": {
        "drop the ledger": drop("ledger"),
        "change the ledger": update("ledger"),
        "delete counts": delete("counts"),
        "empty the books": delete("books"),
        "forget what was corrected": delete("corrections"),
        "read articles": find("articles"),
        "read the salts": find("salts"),
        "write pages": insert("pages"),
        "watch articles": watch("articles"),
    },
    "stats": {
        "write counts": update("counts"),
        "write the ledger": insert("ledger"),
        "write the books": update("books"),
        "hide a parked batch": delete("parked"),
        "delete the catalogue": delete("catalogue"),
        "read articles": find("articles"),
        "read the salts": find("salts"),
        "read articles by a join": look_up("counts", "articles"),
    },
}


@pytest.fixture(scope="module")
def own(database: Database) -> Iterator[Callable[[str], Collections[Document]]]:
    """The database as each user sees it."""
    clients = {user: pymongo.MongoClient[Document](database.url_of(user)) for user in RIGHTS}
    yield lambda user: clients[user].get_default_database()
    for client in clients.values():
        client.close()


@pytest.mark.parametrize(
    ("user", "what"), [(user, what) for user in RIGHTS for what in (*FORBIDDEN[user], *ANYONE)]
)
def test_a_service_may_not(
    own: Callable[[str], Collections[Document]], user: str, what: str, refused: Counter[str]
) -> None:
    act = FORBIDDEN[user].get(what) or ANYONE[what]
    with pytest.raises(OperationFailure, match="not authorized") as error:
        act(own(user))
    assert error.value.code == UNAUTHORIZED
    refused[f"MongoDB: {user}"] += 1


async def test_what_is_forbidden_to_a_service_works_for_who_may(system: System) -> None:
    """Else a test of what is refused might be refused for another reason."""
    with pymongo.MongoClient[Document](system.database.url) as client:
        for acts in FORBIDDEN.values():
            for act in acts.values():
                act(client.get_default_database())


async def test_each_service_does_its_work_as_its_own_user(system: System) -> None:
    await system.start_all()
    assert (await system.put("a1", title="Bài đầu")).status_code == 201
    await until(lambda: system.page("a1"), 10, "the page is served")
    assert (await system.read("a1")).status_code == 204
    withdrawn = await system.http.delete(f"{system.url('ingest')}/articles/a1", headers=EDITOR)
    assert withdrawn.status_code == 204

    async def told() -> bool:
        page = await system.page("a1")
        counted = (await system.site())["counted"]
        return page is not None and page.status_code == 410 and counted == 1

    await until(told, 10, "the read is counted, and the page is gone")
    found = system.motor.admin.aggregate(
        [
            {"$currentOp": {"allUsers": True, "idleConnections": True}},
            {"$match": {"appName": {"$in": [f"luotdoc-{service}" for service in SERVICES]}}},
            {"$unwind": "$effectiveUsers"},
        ]
    )
    users = {(each["appName"], each["effectiveUsers"]["user"]) async for each in found}
    assert users == {(f"luotdoc-{service}", service) for service in SERVICES}
    for process in system.processes:
        assert "not authorized" not in process.text()
