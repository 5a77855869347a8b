"""Small files that only their owner may read."""

import os
from collections.abc import Callable
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` with mode 0600. Atomic: a reader sees the old or the new
    content, never a part of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    draft.replace(path)


def keep_private(path: Path, make: Callable[[], str]) -> str:
    """The content of `path`. If the file is missing, it is written first, with the text that `make`
    returns and mode 0600.
    """
    if not path.exists():
        write_private(path, make())
    return path.read_text(encoding="utf-8")


def tail(path: Path, lines: int = 20) -> str:
    """The last `lines` lines of a log, or `(no NAME)` if there is none. Undecodable bytes are
    replaced.
    """
    if not path.exists():
        return f"(no {path.name})"
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
