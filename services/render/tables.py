"""Tables of articles on narrow screens. Pure."""

import re

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)((?:[^>\"]|\"[^\"]*\")*)>")


def scrollable_tables(body_html: str) -> str:
    """Sanitised HTML with each table in a frame that scrolls on a narrow screen, also by keyboard.

    Parses tag by tag, because an attribute's value may contain text that looks like a table.
    """

    def frame(match: re.Match[str]) -> str:
        closing, name, _ = match.groups()
        if name != "table":
            return match[0]
        opened = '<div class="scroll" role="region" aria-label="Bảng số liệu" tabindex="0">'
        return f"{match[0]}</div>" if closing else opened + match[0]

    return _TAG.sub(frame, body_html)
