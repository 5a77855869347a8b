"""Tables of articles on narrow screens. Pure."""

import re
from html import escape

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)((?:[^>\"]|\"[^\"]*\")*)>")


def scrollable_tables(body_html: str, label: str = "Bảng số liệu") -> str:
    """Sanitised HTML with each table in a frame that scrolls on a narrow screen, also by keyboard.
    Screen readers call the frame `label`.

    Parses tag by tag, because an attribute's value may contain text that looks like a table.
    """
    if "<table" not in body_html:
        return body_html
    opened = f'<div class="scroll" role="region" aria-label="{escape(label)}" tabindex="0">'

    def frame(match: re.Match[str]) -> str:
        closing, name, _ = match.groups()
        if name != "table":
            return match[0]
        return f"{match[0]}</div>" if closing else opened + match[0]

    return _TAG.sub(frame, body_html)
