"""Entity tags of pages and files. Pure."""

from hashlib import blake2b

from services.render.page import Page


def tag_of_page(page: Page, reads: str, around: bytes) -> bytes:
    """The entity tag of an article's page as it is served: with its read count, and the tag
    `around` of what stands beside it. Figures of the site are not in it: a read of another article
    must not change every page.
    """
    return tag_of(b"%d %b %b %b" % (page.revision, page.template.encode(), reads.encode(), around))


def tag_of(content: bytes) -> bytes:
    """The entity tag of `content`: a hash in double quotes."""
    return f'"{blake2b(content, digest_size=9).hexdigest()}"'.encode()
