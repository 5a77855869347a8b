"""The messages of render's pages, as its templates and modules have them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_from_file

from services.render.rendering import templates

RENDER = templates.FOLDER.parent
Message = str | tuple[str, ...]
"""A message, or its singular and plural."""
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None}


def said() -> dict[Message, set[str]]:
    """Every message with the files that have it. Raises TypeError for one that is not literal."""
    found: dict[Message, set[str]] = {}
    for file in sorted(RENDER.rglob("*")):
        method = {".html": "jinja2.ext:babel_extract", ".py": "python"}.get(file.suffix)
        if method is None:
            continue
        for message in _of(method, file):
            found.setdefault(message, set()).add(file.name)
    return found


def _of(method: str, file: Path) -> Iterator[Message]:
    options: dict[str, Any] = {"newstyle_gettext": "true", "silent": "false"}
    options["extensions"] = "services.render.rendering.once.Once"
    for _line, message, _comments, _context in extract_from_file(
        method, file, KEYWORDS, options=options if file.suffix == ".html" else {}
    ):
        yield message
