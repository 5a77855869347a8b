"""The conditions of a request, `If-Match` and `If-None-Match`, on the stored article. Pure."""

import re
from dataclasses import dataclass

from services.ingest.articles.article import StoredArticle
from shared.base.errors import Problem

_TAG = r'(W/)?"[^"]*"'
IF_MATCH = rf"^(\*|[ \t,]*{_TAG}([ \t]*,[ \t,]*{_TAG})*[ \t,]*)$"
"""Pattern of a valid `If-Match`:
`*`, or a list of entity tags, in which RFC 9110 allows empty elements."""


@dataclass(frozen=True)
class Preconditions:
    """`If-Match` (None: not given; empty: any revision) and `If-None-Match: *`."""

    revisions: frozenset[int] | None = None
    create_only: bool = False

    def check(self, current: StoredArticle | None) -> None:
        """Raises `Problem` 412 unless `current` is what the client expects.
        Check this before anything else.
        """
        if self.create_only and current is not None:
            raise Problem(412, f"the article exists already, at revision {current.revision}")
        if self.revisions is None:
            return
        if current is None:
            raise Problem(412, "the article does not exist")
        if self.revisions and current.revision not in self.revisions:
            raise Problem(412, f"the article is at revision {current.revision}")


def preconditions(if_match: str | None, if_none_match: str | None) -> Preconditions:
    """Parse both headers. Raises `Problem` 422 that names the malformed one."""
    revisions: frozenset[int] | None = None
    if if_match is not None:
        if not re.fullmatch(IF_MATCH, if_match):
            raise Problem.invalid(
                "If-Match", 'must be * or entity tags in double quotes, such as "3"'
            )
        tags = [found[0] for found in re.finditer(_TAG, if_match)]
        # A weak tag, or one that is not a revision, never matches:
        # it becomes 0, which is not a revision either.
        revisions = frozenset(
            int(t[1:-1]) if re.fullmatch(r'"[1-9][0-9]{0,14}"', t) else 0 for t in tags
        )
    if if_none_match not in (None, "*"):
        raise Problem.invalid("If-None-Match", "must be *")
    return Preconditions(revisions, if_none_match == "*")
