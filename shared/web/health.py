"""OpenAPI path items of `/livez`, `/readyz` and `/metrics`,
which `shared.web.app` answers for every service.
"""

from typing import Any

from pydantic import BaseModel, Field

from shared.web.openapi import ref


class Alive(BaseModel):
    """The answer of a process that is alive."""

    alive: bool


class Readiness(BaseModel):
    """Whether the service can do its job now."""

    ready: bool
    reason: str | None = Field(description="why the service is not ready; null when it is")


def _json(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ref(model)}}}


def _get(operation: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "tags": ["operation"],
            "responses": responses,
        }
    }


_TEXT = {
    "description": "The metrics as text.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
PATHS = {
    "/livez": _get(
        "get_livez", "Whether the process is alive", {"200": _json(Alive, "The process is alive.")}
    ),
    "/readyz": _get(
        "get_readyz",
        "Whether requests should be sent here",
        {
            "200": _json(Readiness, "Ready."),
            "503": _json(Readiness, "Not ready; `reason` says why."),
        },
    ),
    "/metrics": _get("get_metrics", "Metrics for Prometheus", {"200": _TEXT}),
}
MODELS = (Alive, Readiness)
