"""`endpoints.json`: the addresses of a running stack, for programs that use it. Pure."""

import json
from collections.abc import Mapping, Sequence

from deploy.local.plan import Replica, Shared, first


def endpoints(
    shared: Shared,
    replicas: Sequence[Replica],
    servers: Mapping[str, int],
    services: Mapping[str, int],
) -> str:
    """The file's content, as JSON.

    `servers` has the process ids of the stack's own broker and database, and none for servers that
    it only uses. `services` has the process id of each replica by its name. URLs are base URLs
    without a trailing slash. `gateway` is there if readers need one.
    """
    urls: dict[str, list[str]] = {}
    pids: dict[str, int | list[int]] = dict(servers)
    for replica in replicas:
        urls.setdefault(replica.service, []).append(replica.url)
    for service in urls:
        pids[service] = [
            services[replica.name] for replica in replicas if replica.service == service
        ]
    document = {
        "amqp": shared.amqp,
        "mongo": shared.mongo,
        "token": shared.token,
        **({"gateway": shared.gateway} if shared.gateway else {}),
        **{service: first(replicas, service).url for service in urls},
        "replicas": urls,
        "pids": pids,
    }
    return json.dumps(document, indent=2) + "\n"
