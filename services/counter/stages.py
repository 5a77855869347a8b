"""Where tests may end a counter."""

from collections.abc import Callable

Stage = Callable[[str], None]
"""A fault-injection hook for tests, called with the stage that is reached: of a flush `folded`,
`committed` or `acked`; of a move to the archive `found`, `added`, `deleted` or `moved`."""


def no_stage(_name: str) -> None:
    """The hook outside of tests."""
