"""The HTTPRoutes lead each route of each service where it belongs, and what is for the cluster
alone nowhere. `tests/integration/test_gateway.py` asks the same of HAProxy.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.manifests import COMBINATIONS, build
from tests.support.routes import EDITORS, PUBLIC, Route, routes

ROUTED = [name for name in COMBINATIONS if any(o["kind"] == "HTTPRoute" for o in build(name))]
GATEWAYS = {PUBLIC: "public", EDITORS: "internal"}
NOWHERE = {"/not-on-this-host"}
"""Paths that no service has; a request that is rewritten to one of them is answered 404."""


def matches(match: dict[str, Any], method: str, path: str) -> bool:
    """Whether a match of an HTTPRoute takes a request."""
    assert match.keys() <= {"path", "method"}, "a query or a header decides"
    kind, value = match["path"]["type"], match["path"]["value"]
    if match.get("method", method) != method:
        return False
    if kind == "Exact":
        return bool(path == value)
    assert kind == "PathPrefix"
    return path == value or path.startswith(value.rstrip("/") + "/")


def precedence(match: dict[str, Any]) -> tuple[bool, int, bool]:
    """An exact path goes before a prefix, a longer before a shorter one, then one with a method."""
    path = match["path"]
    return path["type"] == "Exact", len(path["value"]), "method" in match


def rules(held: list[dict[str, Any]], host: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(match, rule) of every route on a host's Gateway, but those for plain HTTP."""
    for item in held:
        if item["kind"] != "HTTPRoute":
            continue
        (parent,) = item["spec"]["parentRefs"]
        if parent["name"] == GATEWAYS[host] and parent.get("sectionName") != "http":
            for rule in item["spec"]["rules"]:
                for match in rule["matches"]:
                    yield match, rule


def leads_to(held: list[dict[str, Any]], host: str, route: Route) -> str:
    """The Service that gets a request, or 404; HAProxy counts as what it does with the request."""
    taken = [pair for pair in rules(held, host) if matches(pair[0], route.method, route.path)]
    if not taken:
        return "404"
    best = max(precedence(match) for match, _ in taken)
    chosen = [rule for match, rule in taken if precedence(match) == best]
    assert len(chosen) == 1, f"{route}: two rules take it"
    (backend,) = chosen[0]["backendRefs"]
    rewritten = {
        part["urlRewrite"]["path"]["replaceFullPath"]
        for part in chosen[0].get("filters", ())
        if part["type"] == "URLRewrite"
    }
    if rewritten:
        assert rewritten <= NOWHERE
        return "404"
    if backend["name"] == "gateway":
        return "ingest" if route.path in ("/reads", "/reads.gif") else "404"
    return str(backend["name"])


def everyones(route: Route) -> bool:
    """Whether another service serves the same path under the same method on a host."""
    return any(
        (other.method, other.path) == (route.method, route.path) and other.hosts
        for other in routes()
    )


@pytest.mark.parametrize("name", ROUTED)
@pytest.mark.parametrize("host", [PUBLIC, EDITORS])
def test_each_route_of_each_service_is_where_it_belongs(name: str, host: str) -> None:
    held = build(name)
    wrong = []
    for route in routes():
        found = leads_to(held, host, route)
        wanted = route.service if host in route.hosts else "404"
        if wanted == "404" and host == EDITORS and found == "ingest":
            continue  # a path below one of the editors' own: ingest answers it, 404 or 405
        if found != wanted and not (not route.hosts and everyones(route)):
            wrong.append((host, route.method, route.path, wanted, found))
    assert wrong == []


@pytest.mark.parametrize("name", ROUTED)
def test_what_is_for_the_cluster_alone_is_404_and_never_an_error_of_the_gateway(name: str) -> None:
    held = build(name)
    for path in ("/metrics", "/livez", "/readyz", "/state"):
        for host in (PUBLIC, EDITORS):
            assert leads_to(held, host, Route("any", "GET", path, frozenset())) == "404"
    for item in held:
        if item["kind"] == "HTTPRoute":
            for rule in item["spec"]["rules"]:
                kinds = {part["type"] for part in rule.get("filters", ())}
                assert rule.get("backendRefs") or "RequestRedirect" in kinds, "it answers 500"


@pytest.mark.parametrize("name", ROUTED)
def test_routes_hang_at_gateways_that_there_are_and_at_services_that_there_are(name: str) -> None:
    held = build(name)
    services = {o["metadata"]["name"] for o in held if o["kind"] == "Service"}
    own = {o["metadata"]["name"] for o in held if o["kind"] == "Gateway"}
    for item in held:
        if item["kind"] != "HTTPRoute":
            continue
        (parent,) = item["spec"]["parentRefs"]
        assert (parent.get("namespace") is None) == bool(own)
        assert not own or parent["name"] in own
        for rule in item["spec"]["rules"]:
            assert {ref["name"] for ref in rule.get("backendRefs", ())} <= services


def test_a_path_that_the_routes_forgot_would_be_found() -> None:
    batch = Route("ingest", "POST", "/reads/batch", frozenset({PUBLIC}))
    held: list[dict[str, Any]] = []
    for item in build("prod"):
        if item["kind"] == "HTTPRoute":
            kept = [
                {
                    **rule,
                    "matches": [m for m in rule["matches"] if "batch" not in m["path"]["value"]],
                }
                for rule in item["spec"]["rules"]
            ]
            held.append({**item, "spec": {**item["spec"], "rules": kept}})
    assert leads_to(build("prod"), PUBLIC, batch) == "ingest"
    assert leads_to(held, PUBLIC, batch) == "render"


@pytest.mark.parametrize("name", ROUTED)
def test_no_limit_on_the_whole_answer_ends_a_stream(name: str) -> None:
    found = [
        rule.get("timeouts")
        for match, rule in rules(build(name), PUBLIC)
        if match["path"]["value"] == "/stats/live"
    ]
    assert found == [{"request": "0s"}]
