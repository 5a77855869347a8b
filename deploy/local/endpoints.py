"""`endpoints.json`: where a running stack is, for programs that use it. Pure."""

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

    `servers` holds the process ids of our own broker and database (none for those that were there
    before), `services` that of each replica by its name. URLs are base URLs without a trailing
    slash; `gateway` is there when readers need one.
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
