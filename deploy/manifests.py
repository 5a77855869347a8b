"""`python -m deploy.manifests`: write the Kubernetes objects that repeat facts of other files.

The Prometheus operator's rules from deploy/prometheus/rules, RabbitMQ's users and rights from
deploy/rabbitmq/services.json, and MongoDB's from shared/storage/rights.py, which also become
deploy/mongodb/roles.json. A test compares the written files with what this module makes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from luotdoc_subscriber.base.command import Command
from shared.storage.rights import RIGHTS, privileges

DEPLOY = Path(__file__).parent
COMPONENTS = DEPLOY / "k8s/components"
_MADE_BY = "# Made by `make manifests` from {source}; change that.\n"

DATABASE = "luotdoc"
"""MongoDB's database, which also holds the roles and users."""

Object = dict[str, Any]


def rules() -> list[Object]:
    """A PrometheusRule for each file of rules."""
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"luotdoc-{path.stem}"},
            "spec": {"groups": yaml.safe_load(path.read_text())["groups"]},
        }
        for path in sorted((DEPLOY / "prometheus/rules").glob("*.yml"))
    ]


def rights() -> list[Object]:
    """RabbitMQ's users, permissions, policies and limits, for its messaging topology operator."""
    facts = json.loads((DEPLOY / "rabbitmq/services.json").read_text())
    return [
        *(_user(each["user"]) for each in facts["permissions"]),
        *(_permission(each) for each in facts["permissions"]),
        *(_topic_permission(each) for each in facts["topic_permissions"]),
        *(_policy(each) for each in facts["policies"]),
        *_vhosts(facts["parameters"]),
    ]


def _topology(kind: str, name: str, spec: Object) -> Object:
    return {
        "apiVersion": "rabbitmq.com/v1beta1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"rabbitmqClusterReference": {"name": "rabbitmq"}, **spec},
    }


def _user(name: str) -> Object:
    return _topology("User", name, {"importCredentialsSecret": {"name": f"rabbitmq-{name}"}})


def _permission(fact: Object) -> Object:
    granted = {way: fact[way] for way in ("configure", "write", "read")}
    spec = {
        "vhost": fact["vhost"],
        "userReference": {"name": fact["user"]},
        "permissions": granted,
    }
    return _topology("Permission", fact["user"], spec)


def _topic_permission(fact: Object) -> Object:
    granted = {way: fact[way] for way in ("exchange", "write", "read")}
    spec = {
        "vhost": fact["vhost"],
        "userReference": {"name": fact["user"]},
        "permissions": granted,
    }
    return _topology("TopicPermission", f"{fact['user']}-{fact['exchange']}", spec)


def _policy(fact: Object) -> Object:
    spec = {name: fact[name] for name in ("vhost", "name", "pattern", "priority", "definition")}
    return _topology("Policy", fact["name"], {**spec, "applyTo": fact["apply-to"]})


def _vhosts(parameters: list[Object]) -> Iterator[Object]:
    for fact in parameters:
        if fact["component"] != "vhost-limits":
            raise ValueError(f"the operator has no object for {fact['component']}")
        spec = {
            "name": fact["vhost"],
            "vhostLimits": {"queues": fact["value"]["max-queues"]},
        }
        yield _topology("Vhost", "default", spec)


def database() -> list[Object]:
    """A replica set with MongoDB's roles and users, for its operator."""
    granted = roles()
    security = {
        "authentication": {
            "modes": ["SCRAM-SHA-256"],
            "agentMode": "SCRAM-SHA-256",
            "ignoreUnknownUsers": True,  # an administrator may add users of their own
        },
        "roles": granted,
    }
    users = [
        *(_database_user(fact["role"], DATABASE, (fact["role"], DATABASE)) for fact in granted),
        _database_user("administrator", "admin", ("root", "admin")),
        # What percona/mongodb_exporter asks for.
        _database_user("monitoring", "admin", ("clusterMonitor", "admin"), ("read", "local")),
    ]
    spec = {"type": "ReplicaSet", "security": security, "users": users}
    return [
        {
            "apiVersion": "mongodbcommunity.mongodb.com/v1",
            "kind": "MongoDBCommunity",
            "metadata": {"name": "mongodb"},
            "spec": spec,
        }
    ]


def _database_user(name: str, database: str, *granted: tuple[str, str]) -> Object:
    """A user of `database`, with roles and the database of each."""
    return {
        "name": name,
        "db": database,
        "passwordSecretRef": {"name": f"mongodb-{name}", "key": "password"},
        "roles": [{"name": role, "db": where} for role, where in granted],
        "scramCredentialsSecretName": f"mongodb-{name}",
    }


def roles() -> list[Object]:
    """A role of MongoDB for each service, with the arguments of `createRole`."""
    return [
        {
            "role": service,
            "db": DATABASE,
            "privileges": privileges(service, DATABASE),
            "roles": [],
        }
        for service in RIGHTS
    ]


def files() -> dict[Path, str]:
    """Every file that is made, with its text."""
    return {
        COMPONENTS / "monitoring/rules.yaml": _MADE_BY.format(source="deploy/prometheus/rules")
        + _as_yaml(rules()),
        COMPONENTS / "operators/rabbitmq-rights.yaml": _MADE_BY.format(
            source="deploy/rabbitmq/services.json"
        )
        + _as_yaml(rights()),
        COMPONENTS / "operators/mongodb-rights.yaml": _MADE_BY.format(
            source="shared/storage/rights.py"
        )
        + _as_yaml(database()),
        DEPLOY / "mongodb/roles.json": json.dumps(roles(), indent=2) + "\n",
    }


def _as_yaml(objects: list[Object]) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True, width=120)


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    Command(prog="python -m deploy.manifests", description=__doc__).parse_args()
    main()
