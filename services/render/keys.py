"""Keys of tags and topics: what their addresses are made of. Pure."""

import re
from functools import lru_cache

from shared.base.letters import one_form

_BETWEEN = re.compile(r"[\W_]+")


@lru_cache(maxsize=1000)
def tag_key(name: str) -> str:
    """The key of a tag or topic: `Lễ hội` becomes `lễ-hội`. It keeps its diacritics, because `má`
    and `mạ` are different words. Empty if the name has neither letters nor digits.
    """
    return _BETWEEN.sub("-", one_form(name).casefold()).strip("-")
