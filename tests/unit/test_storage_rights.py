"""Each service may write its own collections, and read what its work needs."""

from shared.storage.collections import INDEXES
from shared.storage.rights import EVERY, RIGHTS, actions, privileges

WRITERS = {
    "ingest": {"articles", "outbox", "media", "salts", "read_keys"},
    "render": {"pages", "search"},
    "counter": {
        *("counts", "buckets", "archive", "late", "ledger", "books", "parked", "slots"),
        *("corrections", "recounts"),
    },
    "stats": {"catalogue", "projections", "readers", "online"},
    "setup": set[str](),
}
WRITES = {"insert", "update", "remove"}


def test_each_collection_has_one_writer() -> None:
    written = {
        service: {
            collection for collection, words in rights.items() if WRITES & set(actions(words))
        }
        for service, rights in RIGHTS.items()
    }
    assert written == WRITERS
    assert set().union(*WRITERS.values()) == set(INDEXES)


def test_no_right_is_on_a_collection_that_does_not_exist() -> None:
    for rights in RIGHTS.values():
        assert set(rights) <= {*INDEXES, EVERY}


def test_on_every_collection_a_service_may_only_look_and_setup_only_create() -> None:
    for service, rights in RIGHTS.items():
        extra = {"collMod", "createCollection", "createIndex"} if service == "setup" else set()
        assert set(actions(rights[EVERY])) == {"listCollections", "listIndexes"} | extra


def test_a_privilege_as_mongodb_takes_it() -> None:
    assert privileges("render", "news")[:2] == [
        {
            "resource": {"db": "news", "collection": ""},
            "actions": ["listCollections", "listIndexes"],
        },
        {
            "resource": {"db": "news", "collection": "pages"},
            "actions": ["changeStream", "find", "insert", "update"],
        },
    ]
