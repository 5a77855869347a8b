"""Patterns of the site's paths, and entity tags of pages and files. Pure."""

import re
from hashlib import blake2b

from services.render.store import Page

ARTICLE = re.compile(r"/([a-z0-9-]{1,100})/(?:([a-z0-9-]{0,100})-)?([a-z0-9]{1,32})\.html")
SECTION = re.compile(r"/([a-z0-9-]{1,100})/")
MEDIA = re.compile(r"/media/([0-9a-f]{32}\.[a-z]{3,4})")


def tag_of_page(page: Page, reads: str, aside: str) -> bytes:
    """The entity tag of a page as it is served: with its read count and side column."""
    return tag_of(f"{page.revision} {page.template} {reads} {aside}".encode())


def tag_of(content: bytes) -> bytes:
    """The entity tag of `content`: a hash in double quotes."""
    return f'"{blake2b(content, digest_size=9).hexdigest()}"'.encode()
