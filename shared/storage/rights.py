"""The rights that each service needs in MongoDB, by collection. Pure.

`make manifests` writes the roles in `deploy/mongodb/roles.json` from these rights, and a service
checks them at its start.
"""

EVERY = ""
"""Stands for every collection of the database, as in a privilege's resource."""

ACTIONS = {
    "read": ("find",),
    "insert": ("insert",),
    "update": ("update",),
    "upsert": ("insert", "update"),
    "delete": ("remove",),
    "watch": ("changeStream",),
    "look": ("listCollections", "listIndexes"),
    "create": ("createCollection", "createIndex"),
    "expiry": ("collMod",),
}
"""MongoDB's actions for each word of `RIGHTS`. `look` reads no document: a service waits for the
collections and indexes of its release."""

RIGHTS: dict[str, dict[str, str]] = {
    "setup": {EVERY: "look create expiry"},
    "ingest": {
        EVERY: "look",
        "articles": "read upsert watch",
        "outbox": "read insert delete",
        "media": "upsert",
        "salts": "read upsert",
        "read_keys": "read upsert",
    },
    "render": {
        EVERY: "look",
        "pages": "read upsert watch",
        "counts": "read",
        "media": "read",
        "online": "read",
        "search": "read upsert",
    },
    "counter": {
        EVERY: "look",
        "counts": "read upsert",
        "buckets": "read upsert delete",  # old ones are moved to the archive
        "archive": "read upsert",  # a recount reads the classes of old days
        "late": "upsert",
        "ledger": "read insert delete",  # `close-gap` deletes what it has just inserted
        "corrections": "read insert",
        "recounts": "read upsert delete",
        "books": "read upsert",
        "parked": "read upsert delete",
        "slots": "read upsert delete",
    },
    "stats": {
        EVERY: "look",
        "catalogue": "read upsert watch",
        "projections": "read upsert delete",
        "readers": "read upsert",
        "online": "upsert",
        "counts": "read",
        "buckets": "read",
        "archive": "read",
        "late": "read",
        "books": "read",
        "parked": "read",
        "ledger": "read",
    },
}
"""The rights of each service, and of setup. Sessions, transactions and the end of the user's own
abandoned transactions need no right of their own."""


def actions(words: str) -> list[str]:
    """MongoDB's actions for words such as `read upsert`, each once, sorted."""
    return sorted({action for word in words.split() for action in ACTIONS[word]})


def privileges(service: str, database: str) -> list[dict[str, object]]:
    """The privileges of the role of `service`, as MongoDB's command `createRole` takes them."""
    return [
        {"resource": {"db": database, "collection": collection}, "actions": actions(words)}
        for collection, words in RIGHTS[service].items()
    ]
