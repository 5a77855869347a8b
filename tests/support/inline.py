"""The commands within the sentences of docs/operations.md, and the test that runs each."""

import re

from tests.support.system import ROOT

PAGE = "docs/operations.md"
_BLOCK = re.compile(r"^[ ]*```.*?^[ ]*```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(
    r"`((?:python -m|kubectl|rabbitmqctl|rabbitmq-\w+|docker|mongo\w+|make) [^`\n]+|rs\.\w+\(\))`"
)
NOT_RUN = "not run: "
CLUSTER = f"{NOT_RUN}needs a Kubernetes cluster"
OPERATORS = "tests/integration/test_operators.py::"
GUIDE = "tests/integration/test_guide.py::"
SERVICES = "tests/integration/test_services.py::"

COMMANDS = {
    "docker build": f"{NOT_RUN}make image does, with root",
    "docker compose --profile demo up --wait": f"{NOT_RUN}make containers loads the samples alone",
    "docker compose --profile monitoring up --wait": f"{NOT_RUN}needs images from elsewhere",
    "docker compose up --build --wait": f"{NOT_RUN}make containers does, with root",
    "docker run": f"{NOT_RUN}make containers does, with root",
    (
        "kubectl -n luotdoc rollout restart deployment,statefulset"
        " -l app.kubernetes.io/part-of=luotdoc"
    ): CLUSTER,
    "kubectl -n luotdoc rollout restart statefulset mongodb": CLUSTER,
    "kubectl -n luotdoc rollout status deployment setup": CLUSTER,
    "kubectl apply -k": CLUSTER,
    "kubectl scale": CLUSTER,
    "make chaos": f"{NOT_RUN}minutes; tests/chaos/test_short.py is its short form",
    "make chaos ROUNDS=20 SEED=20261123": f"{NOT_RUN}minutes; its table is its result",
    "make demo": f"{GUIDE}test_the_demo",
    "make demo INGEST=2": f"{NOT_RUN}test_gateway.py runs its gateway with 20 ingests",
    "make containers": f"{NOT_RUN}needs root",
    "make image": f"{NOT_RUN}needs root and a Docker engine",
    'make image ARGS="--build-arg PYTHON_IMAGE=…"': f"{NOT_RUN}needs root and a Docker engine",
    "make watch-check": f"{NOT_RUN}minutes",
    "mongodump --oplog": f"{NOT_RUN}the tool can't be installed here",
    "python -m services.counter archive": (
        "tests/integration/test_archive_killed.py::test_an_operator_moves"
    ),
    "python -m services.counter close-gap EPOCH": (
        "tests/integration/test_gaps.py::test_a_gap_of_a_running"
    ),
    "python -m services.counter …": f"{NOT_RUN}its commands are named apart",
    "python -m services.counter gaps": "tests/integration/test_gaps.py::test_a_gap_of_a_running",
    "python -m services.ingest adopt INSTANCE": f"{OPERATORS}test_adopting_a_spool",
    "python -m services.ingest reconcile": f"{GUIDE}test_the_reconciliation",
    "python -m services.ingest replay --to QUEUE": f"{GUIDE}test_the_replays",
    "python -m services.ingest replay --to render.articles": (
        f"{NOT_RUN}the same with another queue is run in a block"
    ),
    "python -m services.ingest republish ID …": f"{SERVICES}test_republish_and_token",
    "python -m services.ingest …": f"{NOT_RUN}its commands are named apart",
    "python -m services.ingest token": f"{SERVICES}test_republish_and_token",
    "python -m services.render redo": (
        "tests/integration/test_redo_command.py::test_an_operator_renders_all_pages_again"
    ),
    "python -m services.stats projections": (
        "tests/integration/test_projections_command.py::test_an_operator_makes"
    ),
    "python -m shared.parked": f"{GUIDE}test_parked_messages",
    "python -m shared.parked list": f"{GUIDE}test_parked_messages",
    "python -m shared.replay": f"{GUIDE}test_the_replays",
    "python -m shared.setup": f"{SERVICES}test_the_setup_command",
    "python -m tests.chaos outage --seconds 60": (
        "tests/chaos/test_outage.py::test_reads_answered_204"
    ),
    "rabbitmqctl cluster_status": f"{NOT_RUN}it only looks",
    "rabbitmqctl delete_queue NAME": f"{NOT_RUN}needs a queue of another team",
    "rabbitmqctl delete_user NAME": "tests/integration/conftest.py::subscriber",
    "rabbitmqctl list_connections user": f"{NOT_RUN}it only looks",
    "rabbitmqctl list_queues name state members": f"{NOT_RUN}it only looks",
    "rabbitmqctl list_queues name | cut -d. -f1 | sort | uniq -c": f"{NOT_RUN}it only looks",
    "rabbitmqctl list_queues name | grep '^NAME\\.'": f"{NOT_RUN}it only looks",
    "rabbitmqctl set_policy": f"{NOT_RUN}an option, with the operator's own values",
    "rabbitmqctl set_user_limits": "tests/integration/test_own_rights.py::test_a_long_parked",
    "rabbitmqctl shovel_status": f"{NOT_RUN}it only looks",
    "rabbitmqctl status": f"{NOT_RUN}it only looks",
    "rabbitmq-streams add_replica": f"{NOT_RUN}the page says that 3.10 refuses it",
    "rs.printSecondaryReplicationInfo()": f"{NOT_RUN}needs mongosh",
    "rs.status()": f"{NOT_RUN}needs mongosh",
}
"""By the command as it stands in the page, the test that runs it, or why none does."""


def commands(text: str | None = None) -> set[str]:
    """The commands of the page (or of a text) outside of its blocks."""
    held = (ROOT / PAGE).read_text() if text is None else text
    return {found.group(1) for found in _COMMAND.finditer(_BLOCK.sub("", held))}
