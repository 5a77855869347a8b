"""OpenAPI path items of `/reads` and `/reads.gif`, which `beacon` answers as raw ASGI."""

from typing import Any

from luotdoc_events.events import ARTICLE_ID
from services.ingest.reads.beacon import COUNTED, FILTERED
from services.ingest.reads.read_batches import ReadInput
from services.ingest.reads.read_request import MAX_BODY, REFERRER
from shared.web.openapi import answered, as_text, problems, ref

_OUTCOME = {
    "Luotdoc-Read": {
        "description": "whether the read counts, and if not, why",
        "required": True,
        "schema": {
            "type": "string",
            "enum": [outcome.decode() for outcome in (COUNTED, *FILTERED.values())],
        },
    }
}
_REFUSED = problems(
    431,
    503,
    also={
        404: "There is no such article, or it is not public.",
        429: (
            "Too many reads from this address (`LUOTDOC_READ_LIMIT`); `Retry-After` says when "
            "to try again."
        ),
    },
)
_SAID = (
    "One view of one article. The answer comes once the read is durable; it is counted within "
    "seconds. Some reads are filtered instead of counted: a reload by the same visitor within "
    "half an hour (`LUOTDOC_READ_WINDOW`), a read by a program, a prefetch, and a read from "
    "another site's page (`LUOTDOC_READ_ORIGINS`). The status is the same, and `Luotdoc-Read` "
    "gives the reason."
)
_TEXT = {
    "type": "string",
    "pattern": r'^\{"article": ?"[a-z0-9]{1,32}"\}$',
    "contentMediaType": "application/json",
    "description": "the same JSON, with the content type that `navigator.sendBeacon` uses for text",
}
_REFERRER = {
    "name": "referrer",
    "in": "query",
    "required": False,
    "description": (
        "scheme and host of the page from which the reader came (`document.referrer`), without "
        "path and query; empty if the browser names none. Only its class is kept: direct, site, "
        "search, social or other. Without the parameter the class is not known"
    ),
    "schema": {"type": "string", "pattern": f"^({REFERRER})?$"},
    "examples": {"search": {"value": "https://www.google.com"}, "none": {"value": ""}},
}
_POST: dict[str, Any] = {
    "operationId": "post_read",
    "summary": "Count a read",
    "description": _SAID,
    "tags": ["reads"],
    "parameters": [_REFERRER],
    "requestBody": {
        "required": True,
        "description": f"At most {MAX_BODY:,} bytes.",
        "content": {
            "application/json": {
                "schema": ref(ReadInput),
                "examples": {"read": {"value": {"article": "hello1"}}},
            },
            "text/plain": {
                "schema": _TEXT,
                "examples": {"read": {"value": '{"article": "hello1"}'}},
            },
        },
    },
    "responses": as_text(
        answered(204, "The read is durable, or was filtered.", headers=_OUTCOME)
        | _REFUSED
        | problems(
            415,
            422,
            also={413: f"The body has more than {MAX_BODY:,} bytes; the connection is closed."},
        )
    ),
}
_PIXEL: dict[str, Any] = {
    "operationId": "get_read_pixel",
    "summary": "Count a read without JavaScript",
    "description": f"{_SAID} The answer is a picture of one transparent pixel.",
    "tags": ["reads"],
    "parameters": [
        {
            "name": "article",
            "in": "query",
            "required": True,
            "description": "the article's id",
            "schema": {"type": "string", "pattern": ARTICLE_ID},
            "examples": {"read": {"value": "hello1"}},
        }
    ],
    "responses": as_text(
        answered(
            200,
            "The read is durable, or was filtered.",
            headers=_OUTCOME,
            content={"image/gif": {"schema": {"type": "string", "format": "binary"}}},
        )
        | _REFUSED
        | problems(422)
    ),
}
PATHS = {"/reads": {"post": _POST}, "/reads.gif": {"get": _PIXEL}}
MODELS = (ReadInput,)
