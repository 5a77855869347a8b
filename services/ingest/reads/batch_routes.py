"""The route of `POST /reads/batch`: reads from a server or an app."""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from services.ingest.articles.answers import BatchAnswer
from services.ingest.reads import read_batches
from services.ingest.service import ReadSender, RequestService
from shared.base.errors import Problem
from shared.rabbit.batch import COUNTED_HOURS
from shared.storage.collections import KEY_HOURS
from shared.web.api import json_body, validated
from shared.web.openapi import answered, body, problems

_COUNTED_ONCE = (
    f"Count up to {read_batches.MAX_READS:,} reads, once per key. A request may be repeated for "
    f"{COUNTED_HOURS} hours; after that its key is answered 409, and {KEY_HOURS} hours after its "
    "first use it is forgotten. Reads are not filtered. Reads of unknown articles are not "
    "counted; the answer lists these articles and the rest counts."
)
_BODY = body(
    read_batches.ReadBatchInput,
    examples={"two": {"reads": [{"article": "hello1"}, {"article": "hello1"}]}},
    description=f"1 to {read_batches.MAX_READS:,} reads, "
    f"at most {read_batches.MAX_REQUEST_BYTES:,} bytes.",
)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "a new key for each batch; repeat the key when you repeat the request",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": read_batches.MAX_KEY,
        "pattern": r"^[ -~]+$",
    },
    "examples": {"key": {"value": "app-7-0001"}},
}
# Described by hand: a missing key is refused by `checked_key`, which says what a key is.
Key = Annotated[str | None, Header(include_in_schema=False)]

routes = APIRouter(tags=["reads"])


@routes.post(
    "/reads/batch",
    description=_COUNTED_ONCE,
    openapi_extra=_BODY | {"parameters": [_KEY]},
    responses=answered(200, "The reads are durable.")
    | problems(401, 403, 415, 429, also={
        409: f"The key was first used more than {COUNTED_HOURS} hours ago.",
        413: f"The body has more than {read_batches.MAX_REQUEST_BYTES:,} bytes; "
        "the connection is closed.",
        422: "The request is not valid, or the key was used with another body.",
    }),
)  # fmt: skip
async def post_reads(
    request: Request, service: RequestService, sender: ReadSender, idempotency_key: Key = None
) -> BatchAnswer:
    try:
        batch_id = read_batches.keyed_id(sender.name, read_batches.checked_key(idempotency_key))
        wanted = validated(
            read_batches.ReadBatchInput, await json_body(request, read_batches.MAX_REQUEST_BYTES)
        ).articles
        accepted = await service.count(batch_id, wanted)
    except Problem:
        service.answered("invalid", 1)
        raise
    return BatchAnswer(accepted=len(accepted), unknown=sorted(set(wanted) - set(accepted)))
