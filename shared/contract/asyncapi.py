"""The AsyncAPI 3 document:
where events come from, under which routing key, and what they hold. Pure.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from luotdoc_events import events
from luotdoc_subscriber.rabbit import layout
from shared.contract.schemas import Schema, attributes, model_schema, stem

PREAMBLE = """\
The events that the portal publishes for other services, as CloudEvents 1.0 in structured JSON.

Bind a durable queue of your own to the topic exchange `luotdoc.events`; the routing key is the
event's name. Each event of an article carries its full state. It may arrive twice or late: store
`sequence`, which compares as text, and drop events that are not newer. The withdrawal of an article
has a revision too: store it as a tombstone.

Ignore fields that you don't know, and acknowledge types that you did not ask for. Within a version
only optional fields are added. Any other change is published as a new type with the next version,
beside the old one for at least six months."""

_REPLAY: Schema = {
    "type": "object",
    "properties": {
        events.REPLAY_HEADER: {
            "type": "string",
            "description": (
                "Name of the replay; only replayed events have it. Send no e-mail for them."
            ),
        }
    },
}
_COMPONENTS = "#/components/schemas/"


def asyncapi_document(
    kinds: Iterable[type[events.Data]], examples: dict[str, Any], version: str
) -> dict[str, Any]:
    """The document about `kinds`;
    `examples` holds an event by the stem of each, `version` is the contract's.
    """
    every = list(kinds)
    named = [(name, list(group)) for name, group in groupby(every, key=lambda kind: kind.name)]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:luotdoc:events",
        "info": {"title": "Lượt Đọc: events", "version": version, "description": PREAMBLE},
        "defaultContentType": events.CONTENT_TYPE,
        "servers": {"rabbitmq": _SERVER},
        "channels": {name: _channel(name, group) for name, group in named},
        "operations": {f"send.{name}": _operation(name, group) for name, group in named},
        "components": {
            "messages": {stem(kind): _message(kind, examples[stem(kind)]) for kind in every},
            "schemas": _schemas(every),
        },
    }


_SERVER = {
    "host": "{host}",
    "protocol": "amqp",
    "protocolVersion": "0.9.1",
    "description": (
        "RabbitMQ 3.10 or newer. Each subscriber has a user of its own, which may read its own "
        "queues."
    ),
    "variables": {
        "host": {"default": "localhost:5672", "description": "host and port; ask the operators"}
    },
    "security": [{"type": "userPassword", "description": "the subscriber's own user"}],
}


def _channel(name: str, kinds: list[type[events.Data]]) -> dict[str, Any]:
    exchange = layout.EVENTS_EXCHANGE
    history = (
        f" The stream `{layout.EVENTS_LOG.name}` keeps it for replays."
        if layout.is_kept(name)
        else ""
    )
    return {
        "address": name,
        "title": name,
        "description": f"{_said(kinds[-1])}{history}",
        "servers": [{"$ref": "#/servers/rabbitmq"}],
        "messages": {stem(kind): {"$ref": f"#/components/messages/{stem(kind)}"} for kind in kinds},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": exchange.name,
                    "type": exchange.type.value,
                    "durable": exchange.durable,
                    "autoDelete": exchange.auto_delete,
                    "vhost": "/",
                },
                "bindingVersion": "0.3.0",
            }
        },
    }


def _operation(name: str, kinds: list[type[events.Data]]) -> dict[str, Any]:
    return {
        "action": "send",
        "title": f"Send {name}",
        "summary": _said(kinds[-1]),
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{stem(kind)}"} for kind in kinds],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": "0.3.0"}},
    }


def _message(kind: type[events.Data], example: Any) -> dict[str, Any]:
    return {
        "name": stem(kind),
        "title": events.type_of(kind),
        "summary": _said(kind),
        "contentType": events.CONTENT_TYPE,
        "headers": _REPLAY,
        "payload": {"$ref": f"{_COMPONENTS}{kind.__name__}Event"},
        "correlationId": {"location": "$message.payload#/correlationid"},
        "bindings": {"amqp": {"messageType": events.type_of(kind), "bindingVersion": "0.3.0"}},
        "examples": [{"name": "recorded", "summary": "as it was sent", "payload": example}],
    }


def _schemas(kinds: list[type[events.Data]]) -> dict[str, Schema]:
    """By the names of types that generators make of them:
    events, their data, and what those refer to.
    """
    found: dict[str, Schema] = {}
    for kind in kinds:
        data = model_schema(kind, f"{_COMPONENTS}{{model}}")
        properties, required = attributes(kind)
        found |= data.pop("$defs", {})
        found[kind.__name__] = data
        found[f"{kind.__name__}Event"] = {
            "title": f"{kind.__name__}Event",
            "type": "object",
            "description": data["description"],
            "properties": {**properties, "data": {"$ref": f"{_COMPONENTS}{kind.__name__}"}},
            "required": [*required, "data"],
        }
    return found


def _said(kind: type[events.Data]) -> str:
    return " ".join((kind.__doc__ or "").split())
