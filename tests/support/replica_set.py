"""Three real MongoDB servers in one replica set, each of which a test may stop, kill or lock."""

import secrets
import time
from pathlib import Path
from typing import Any

import pymongo

from deploy.local import ports
from deploy.local.database import Database
from deploy.local.database_users import ADMINISTRATOR, DatabaseClient
from deploy.local.files import keep_private
from deploy.local.server import StartError

WHOLE = ["PRIMARY", "SECONDARY", "SECONDARY"]


class Member(Database):
    """A member. Its own `url` leads to this member alone, whatever its state."""

    @property
    def host(self) -> str:
        """Its name in the set."""
        return f"{ports.HOST}:{self.port}"

    def answers(self) -> bool:
        """True once it answers: a secondary too."""
        try:
            with _direct(self) as client:
                return bool(client.admin.command("ping")["ok"])
        except pymongo.errors.AutoReconnect:
            return False


class ReplicaSet(Member):
    """The first member, which makes the set and its users. Its `url` names all members, so that a
    client finds the primary.

    Its first `start` starts all members and waits until the set is whole. Every other method is
    about the first member alone; `members` has all three.
    """

    _hosts = ""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        others = [Member(folder.with_name(f"{folder.name}-{number}")) for number in (1, 2)]
        self.members: list[Member] = [self, *others]
        key = keep_private(self.folder / "key", lambda: secrets.token_hex(32))
        for other in others:
            keep_private(other.folder / "key", lambda: key)
            # Users and their passwords are the set's.
            other.password = self.password
            other.url = other.url_with(ADMINISTRATOR, self.password, "authSource=admin")

    def url_with(self, user: str, password: str, *options: str) -> str:
        """The address that logs in as `user`, at whichever member is the primary."""
        given = "&".join(["replicaSet=luotdoc", *options])
        return f"mongodb://{user}:{password}@{self._hosts or self.host}/luotdoc?{given}"

    def answers(self) -> bool:
        """Before the set is made: True once this is its primary and has the users."""
        return super().answers() if self._hosts else Database.answers(self)

    def start(self, seconds: float = 90.0) -> None:
        """Start this member; the first time also the others, as one set. Raises StartError."""
        super().start(seconds)
        if self._hosts:
            return
        for other in self.members[1:]:
            other.start(seconds)
        with pymongo.MongoClient[dict[str, Any]](self.url) as client:
            config = client.admin.command("replSetGetConfig")["config"]
            config["members"] = [
                {"_id": number, "host": member.host} for number, member in enumerate(self.members)
            ]
            config["version"] += 1
            client.admin.command("replSetReconfig", config, force=True)
        self._hosts = ",".join(member.host for member in self.members)
        self.url = self.url_with(ADMINISTRATOR, self.password, "authSource=admin")
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with pymongo.MongoClient[dict[str, Any]](self.url) as client:
            while (found := states(client)) != WHOLE:
                if time.monotonic() > deadline:
                    raise StartError(f"the replica set is not whole after {seconds:g} s: {found}")
                time.sleep(0.1)


def states(client: DatabaseClient) -> list[str]:
    """The states of all members, sorted."""
    status = client.admin.command("replSetGetStatus")
    return sorted(str(member["stateStr"]) for member in status["members"])


def _direct(member: Member) -> DatabaseClient:
    return pymongo.MongoClient(member.host, directConnection=True, serverSelectionTimeoutMS=500)
