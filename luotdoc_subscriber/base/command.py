"""The command line of every entry point:
`--help`, `--version`, and one line with status 2 for a wrong argument.
"""

import argparse
from collections.abc import Iterator
from typing import Any, NoReturn

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from luotdoc_events.version import VERSION
from luotdoc_subscriber.base.settings import variables

_BOUNDS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))


class Command(argparse.ArgumentParser):
    """An argument parser for `python -m MODULE`; sub-commands have the same class.

    `--help` lists `settings` with defaults and bounds.
    No setting is read, so that `--help` and `--version` always work.
    """

    def __init__(self, *, settings: type[BaseSettings] | None = None, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        options.setdefault("allow_abbrev", False)
        if settings:
            options["epilog"] = "\n".join(describe(settings))
        super().__init__(**options)
        self.add_argument(
            "--version",
            action="version",
            version=f"luotdoc {VERSION}",
            help="print the version, and end",
        )

    def error(self, message: str) -> NoReturn:
        """Print `message` on standard error in one line, and exit with status 2."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; --help says what it takes\n")


def describe(settings: type[BaseSettings]) -> Iterator[str]:
    """The lines of `--help` about settings: variable, default, meaning and bounds."""
    yield "settings, from the environment:"
    for variable, field in variables(settings).items():
        yield f"  {variable}{_default(field)}"
        yield f"      {'; '.join(filter(None, (field.description, _bounds(field))))}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "  (required)"
    value = field.get_default(call_default_factory=True, validated_data={})
    return f"={value}" if value not in ((), "", None) else "  (empty unless set)"


def _bounds(field: FieldInfo) -> str:
    limits = [
        f"{word} {getattr(limit, key):,}"
        for limit in field.metadata
        for key, word in _BOUNDS
        if hasattr(limit, key)
    ]
    return ", ".join(limits)
