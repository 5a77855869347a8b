"""One-line messages, without a traceback, for faults that an operator must correct;
they say what to do.
"""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from typing import Any

from luotdoc_subscriber.base.errors import Refused, Transient


def first_line(error: BaseException) -> str:
    """An error's text as one line of at most 300 characters;
    the name of its type if it has no text.
    """
    return " ".join(str(error).split())[:300] or type(error).__name__


def perform(work: Coroutine[Any, Any, int | None], stopped: str = "stopped") -> int:
    """Run an operator's command and answer its exit status.
    Faults that its user can correct: one line, status 1.
    """
    for name in ("aio_pika", "aiormq"):  # they log each failure a second time
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work) or 0
    except Refused as error:
        told = str(error)
    except Transient as error:
        told = f"{error}; run this again once it is back"
    except KeyboardInterrupt:
        sys.stderr.write(f"{stopped}\n")
        return 130
    sys.stderr.write(f"{told}\n")
    return 1
