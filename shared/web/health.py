"""`/livez`, `/readyz` and `/metrics` as the documents tell them; `shared.web.app` answers them for every service."""

from typing import Any

from pydantic import BaseModel, Field

from shared.web.openapi import ref


class Alive(BaseModel):
    """The process answers."""

    alive: bool


class Readiness(BaseModel):
    """Whether the service can do its job."""

    ready: bool
    reason: str | None = Field(description="why it can't; null when it is ready")


def _json(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ref(model)}}}


def _get(operation: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"operationId": operation, "summary": summary, "tags": ["operation"], "responses": responses}}


_TEXT = {"description": "The metrics as text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
PATHS = {
    "/livez": _get("get_livez", "Whether the process is alive", {"200": _json(Alive, "It is.")}),
    "/readyz": _get(
        "get_readyz",
        "Whether requests should be sent here",
        {"200": _json(Readiness, "Ready."), "503": _json(Readiness, "Not ready; `reason` says why.")},
    ),
    "/metrics": _get("get_metrics", "Metrics for Prometheus", {"200": _TEXT}),
}
MODELS = (Alive, Readiness)
