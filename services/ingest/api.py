"""ingest's HTTP API: the routes together, and their document."""

from fastapi import FastAPI

from services.ingest import contract
from services.ingest.articles import editing_routes, listing_routes, media_routes
from services.ingest.articles.content import ArticleInput
from services.ingest.articles.plain_put import PlainPut
from services.ingest.reads import batch_routes, beacon_routes
from services.ingest.reads.read_batches import ReadBatchInput
from services.ingest.service import Articles
from shared.web import health
from shared.web.api import make_api
from shared.web.asgi import App
from shared.web.openapi import Described

ABOUT = """\
Takes articles and pictures from editors' systems, and reads from pages, servers and apps.

Every error is an RFC 9457 problem document, `application/problem+json`. Every answer carries an
`X-Correlation-Id`, which the request may choose. Unknown parameters and fields are refused."""


def describe_api() -> FastAPI:
    """The API for its OpenAPI document alone: it has no service and can't answer."""
    described = Described(
        paths={**beacon_routes.PATHS, **health.PATHS},
        models=(ArticleInput, ReadBatchInput, *beacon_routes.MODELS, *health.MODELS),
    )
    api = make_api("Lượt Đọc: ingest", ABOUT, described)
    for module in (editing_routes, listing_routes, media_routes, batch_routes, contract):
        api.include_router(module.routes)
    return api


def build_api(service: Articles) -> App:
    """The API, whose handlers work with `service`."""
    api = describe_api()
    api.state.service = service
    api.state.documents = contract.read_documents()
    return PlainPut(api, service)
