"""What we reach into below a library's public interface: in one module each, and still there.

Each of these libraries has an upper bound in requirements.in. If one of the tests here fails with a
new version, read the module that it names before you raise the bound.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from typing import Any

import aio_pika
import aiormq
import pytest
import uvicorn
from aio_pika.abc import UnderlayChannel
from faststream.rabbit import RabbitBroker, RabbitQueue
from motor.core import AgnosticChangeStream
from motor.frameworks.asyncio import run_on_executor
from packaging.requirements import Requirement
from pamqp import commands, header
from pymongo.synchronous.change_stream import ChangeStream
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from luotdoc_subscriber.rabbit.faststream_internals import consumes, queue_of
from luotdoc_subscriber.rabbit.properties import install
from tests.support.sources import ROOT, nodes, text
from tests.unit.test_imports import MODULES, imports

KIT = "luotdoc_subscriber.rabbit"
REACHING = {
    f"{KIT}.faststream_internals": {"faststream"},
    f"{KIT}.underlay": {"aio-pika", "aiormq"},
    f"{KIT}.properties": {"pamqp"},
    "shared.web.uvicorn_protocol": {"uvicorn"},
    "shared.web.api": {"fastapi"},
    "shared.storage.change_batches": {"pymongo", "motor"},
}
"""The modules that reach into a library, with the libraries."""

DOCUMENTED = {"_replace", "_asdict", "_fields"}
"""Of named tuples: public, and named so that no field has their name."""


# One module each
def private(module: str) -> Iterator[str]:
    """The private attributes that a module uses and neither it nor a module that it imports
    defines.
    """
    ours = defined(module).union(
        *(defined(name.rpartition(".")[0]) for name in imports(module) if name not in MODULES)
    )
    for node in nodes(MODULES[module]):
        if not isinstance(node, ast.Attribute) or not re.match("_[a-z]", node.attr):
            continue
        if node.attr not in ours | DOCUMENTED and ast.unparse(node) != "os._exit":
            yield f"{module}: {ast.unparse(node)}"


@cache
def defined(module: str) -> set[str]:
    """The private names that a module of ours defines: attributes, fields, functions, slots."""
    found = set[str]()
    for node in nodes(MODULES[module]) if module in MODULES else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                found.add(node.attr)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def test_private_attributes_of_libraries_are_used_in_their_module_alone() -> None:
    assert [use for module in MODULES if module not in REACHING for use in private(module)] == []


def test_private_attributes_are_found() -> None:
    assert {use.rpartition(".")[2] for use in private(f"{KIT}.faststream_internals")} == {
        "_queue_obj",
        "_consumer_tag",
        "_connection",
    }
    assert list(private(f"{KIT}.underlay")) == [f"{KIT}.underlay: wire._channel"]
    assert {use.rpartition(".")[2] for use in private(f"{KIT}.properties")} == {"_get_flags"}


@pytest.mark.parametrize(
    ("beneath", "module"),
    [
        (r"uvicorn\.(?!Config$|Server$)", "shared.web.uvicorn_protocol"),
        (r"pamqp", f"{KIT}.properties"),
        (r"aiormq\.(?!exceptions\.)", f"{KIT}.underlay"),
        (r"fastapi\.routing\.", "shared.web.api"),
        (r"motor\.(?!motor_asyncio\.)", "shared.storage.change_batches"),
    ],
)
def test_what_is_beneath_is_imported_in_one_module(beneath: str, module: str) -> None:
    assert {name for name in MODULES if any(re.match(beneath, each) for each in imports(name))} == {
        module
    }


def test_the_context_and_the_underlay_are_used_in_one_module() -> None:
    for words, module in (
        ("context.get_local", f"{KIT}.faststream_internals"),
        ("get_underlay_channel", f"{KIT}.underlay"),
    ):
        assert [name for name, file in MODULES.items() if words in text(file)] == [module]


def test_what_we_reach_into_has_an_upper_bound() -> None:
    lines = (ROOT / "requirements.in").read_text().splitlines()
    wanted = {
        (each := Requirement(line)).name: each.specifier
        for line in lines
        if line and not line.startswith("#")
    }
    for library in sorted(set().union(*REACHING.values())):
        assert any(each.operator == "<" for each in wanted[library]), library
        assert version(library) in wanted[library]


def test_architecture_names_each_of_these_modules() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    part = text.partition("## What we reach into")[2].partition("\n## ")[0]
    for module in REACHING:
        assert f"`{MODULES[module].relative_to(ROOT)}`" in part, module


# uvicorn
class Application:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Never called."""


async def test_uvicorns_protocol_has_what_we_use() -> None:
    config = uvicorn.Config(Application(), lifespan="off", log_config=None)
    config.load()
    protocol = HttpToolsProtocol(config, ServerState(), {})
    for name in (
        "parser",
        "transport",
        "flow",
        "cycle",
        "pipeline",
        "client",
        "server_state",
        "app_state",
        "expect_100_continue",
        "config",
    ):
        assert hasattr(protocol, name), name
    protocol.on_message_begin()
    assert (protocol.url, protocol.headers) == (b"", [])
    assert protocol.scope["headers"] is protocol.headers


def test_uvicorns_methods_have_the_parameters_that_we_pass() -> None:
    def parameters(function: Any) -> list[str]:
        return [*inspect.signature(function).parameters][1:]

    protocol = HttpToolsProtocol
    assert {
        name: parameters(getattr(protocol, name))
        for name in (
            "__init__",
            "connection_made",
            "connection_lost",
            "on_message_begin",
            "on_headers_complete",
            "on_body",
            "on_message_complete",
            "on_response_complete",
            "_start_asgi_task",
            "pause_writing",
            "resume_writing",
        )
    } == {
        "__init__": ["config", "server_state", "app_state", "_loop"],
        "connection_made": ["transport"],
        "connection_lost": ["exc"],
        "on_message_begin": [],
        "on_headers_complete": [],
        "on_body": ["body"],
        "on_message_complete": [],
        "on_response_complete": [],
        "_start_asgi_task": ["cycle", "app"],
        "pause_writing": [],
        "resume_writing": [],
    }
    assert {
        "disconnected",
        "message_event",
        "response_started",
        "response_complete",
        "keep_alive",
    } <= set(RequestResponseCycle.__init__.__code__.co_names)
    assert [*inspect.signature(RequestResponseCycle.receive).parameters] == ["self"]


# FastStream, aio-pika, aiormq, pamqp
def test_faststreams_subscriber_and_broker_have_what_we_use() -> None:
    broker = RabbitBroker()
    subscriber: Any = broker.subscriber(RabbitQueue("q"))
    assert (queue_of(subscriber), subscriber._consumer_tag) == (None, None)
    assert not consumes(subscriber)
    assert broker._connection is None
    assert [*broker.subscribers] == [subscriber]
    with broker.context.scope("message", "the message"):
        assert broker.context.get_local("message") == "the message"


def test_aio_pikas_channel_has_what_we_use() -> None:
    assert "channel" in UnderlayChannel.__annotations__
    assert "_channel" in aio_pika.Channel.__annotations__
    assert inspect.iscoroutinefunction(aio_pika.RobustChannel.get_underlay_channel)
    assert inspect.iscoroutinefunction(aio_pika.RobustChannel.restore)


def test_aiormqs_channel_has_what_we_use() -> None:
    assert {"body", "exchange", "routing_key", "properties", "mandatory", "wait"} <= set(
        inspect.signature(aiormq.Channel.basic_publish).parameters
    )
    assert "delivery_tag" in aiormq.Channel.__init__.__code__.co_names
    assert "consumers" in aiormq.Channel.__init__.__code__.co_names


def test_pamqp_has_what_we_replace() -> None:
    for kind in (commands.Basic.Deliver, commands.Basic.GetOk, commands.Basic.Return):
        assert [*inspect.signature(kind.unmarshal).parameters] == ["self", "data"]
    assert [*inspect.signature(header.ContentHeader.unmarshal).parameters] == ["self", "data"]
    assert header.ContentHeader._get_flags(b"\x10\x00\x02") == (2, 1 << 12)


# PyMongo, Motor
def test_pymongos_change_stream_and_motors_have_what_we_use() -> None:
    assert "self._cursor._has_next()" in inspect.getsource(ChangeStream.try_next)
    assert "self.delegate = self._target" in inspect.getsource(AgnosticChangeStream)
    assert [*inspect.signature(run_on_executor).parameters][:2] == ["loop", "fn"]


def test_aiormq_says_why_a_connection_was_refused() -> None:
    frame = commands.Connection.Close(530, "NOT_ALLOWED - vhost news not found", 10, 40)
    install()
    assert repr(frame) == "<Connection.Close 530: NOT_ALLOWED - vhost news not found>"
    assert "got {frame!r}" in inspect.getsource(aiormq.Connection)
