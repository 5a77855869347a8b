"""The roles and users of a private MongoDB server: an administrator, and a user for each role of
deploy/mongodb/roles.json.
"""

import json
from pathlib import Path
from typing import Any

from pymongo import MongoClient

ADMINISTRATOR = "luotdoc"
ROLES = Path(__file__).parents[1] / "mongodb/roles.json"
_SCRAM: dict[str, Any] = {"mechanisms": ["SCRAM-SHA-256"]}

DatabaseClient = MongoClient[dict[str, Any]]


def make_administrator(client: DatabaseClient, password: str) -> None:
    """Create the server's first user, which needs no login from this machine."""
    client.admin.command("createUser", ADMINISTRATOR, pwd=password, roles=["root"], **_SCRAM)


def make_users(client: DatabaseClient, password: str) -> None:
    """Create or update each role, and a user of its name with `password`. The client's user must
    be an administrator.
    """
    for fact in json.loads(ROLES.read_text()):
        db, role = client[fact["db"]], fact["role"]
        granted: dict[str, Any] = {"privileges": fact["privileges"], "roles": fact["roles"]}
        known = db.command("rolesInfo", role)["roles"]
        db.command("updateRole" if known else "createRole", role, **granted)
        if not db.command("usersInfo", role)["users"]:
            db.command(
                "createUser", role, pwd=password, roles=[{"role": role, "db": db.name}], **_SCRAM
            )
