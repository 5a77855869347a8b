"""Reads the site's file, `site.toml`, and the files beside it that it names.

An error names the file, the line and the dotted key, and says what stands there instead.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, ValidationInfo

from shared.base.site_basics import SiteBasics
from shared.base.toml_lines import TomlKey, TomlLines

MOST_SITE_BYTES = 256 << 10
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class SiteFault:
    """A fault of the site's file: its line, if it is known, its dotted key, and what is wrong."""

    line: int | None
    key: str
    what: str

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line else []
        return f"{', '.join([*where, *filter(None, [self.key])])}: {self.what}".removeprefix(": ")


class UnusableSite(ValueError):
    """The site's file can't be used. The text has a line for each fault.

    `names`: the files beside it that it names, which may be at fault.
    """

    def __init__(self, path: Path, faults: Sequence[SiteFault], names: Sequence[str] = ()) -> None:
        super().__init__("\n".join([f"{path} is not usable:", *map(str, faults)]))
        self.faults, self.names = list(faults), tuple(names)


@dataclass(frozen=True, repr=False)
class SiteFile:
    """A site's file and what was read from it. `beside` has the content of the files that it
    names.
    """

    path: Path
    content: bytes
    site: SiteBasics
    beside: Mapping[str, bytes] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    """The settings that are given besides the file."""

    def __repr__(self) -> str:
        return str(self.path)

    @cached_property
    def digest(self) -> str:
        """A hash of the file and those beside it."""
        return digest_of(self.content, self.beside)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the file says in place of settings, by their names."""
        return self.site.as_settings()

    def fault(self, setting: str, what: str) -> SiteFault:
        """A fault of the key that stands in place of a setting."""
        key = self.site.key_of(setting)
        lines = TomlLines(self.content.decode("utf-8-sig"))
        return SiteFault(lines.of(key), dotted(key), what)


def digest_of(content: bytes, beside: Mapping[str, bytes | None]) -> str:
    """A hash of a site's file and those beside it; None is one that can't be read."""
    return sha256(repr((content, sorted(beside.items()))).encode()).hexdigest()


def read_site(path: Path, model: type[SiteBasics]) -> SiteFile:
    """The site that the file at `path` describes. Raises `UnusableSite`."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_SITE_BYTES + 1)
            size = path.stat().st_size
    except OSError as error:
        raise UnusableSite(
            path, [SiteFault(None, "", f"can't be read: {error.strerror}")]
        ) from None
    if len(content) > MOST_SITE_BYTES:
        told = f"must have at most {MOST_SITE_BYTES:,} bytes, not {max(size, len(content)):,}"
        raise UnusableSite(path, [SiteFault(None, "", told)])
    return _site_of(path, content, model)


def _site_of(path: Path, content: bytes, model: type[SiteBasics]) -> SiteFile:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnusableSite(path, [SiteFault(line, "", "must be UTF-8")]) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnusableSite(path, [_of_toml(str(error), text)]) from None
    except RecursionError:
        raise UnusableSite(path, [SiteFault(None, "", "is nested too deeply")]) from None
    beside: dict[str, bytes] = {}
    context = {"languages": data.get("languages"), "folder": path.parent, "beside": beside}
    try:
        site = model.model_validate(data, context=context)
    except ValidationError as error:
        faults = [
            (_key_of(each["loc"], data), _said(each, model))
            for each in error.errors(include_url=False)
        ]
        raise _unusable(path, text, faults, beside) from None
    if faults := list(site.faults()):
        raise _unusable(path, text, faults, beside)
    return SiteFile(path, content, site, beside)


def _unusable(
    path: Path, text: str, faults: Sequence[tuple[TomlKey, str]], beside: Mapping[str, bytes]
) -> UnusableSite:
    lines = TomlLines(text)
    told = [SiteFault(lines.of(key), dotted(key), what) for key, what in faults]
    told.sort(key=lambda fault: fault.line or 0)
    return UnusableSite(path, told, list(beside))


def beside_file(name: object, info: ValidationInfo, most: int) -> bytes:
    """The content of the file `name` in the folder of the site's file. Raises ValueError."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(
            "must be the name of a file beside this one: letters, digits, ., _ and -, no folders"
        )
    context: dict[str, Any] = info.context or {}
    context["beside"][name] = b""  # to be looked at again, although it is at fault
    path: Path = context["folder"] / name
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ValueError(f"{name} can't be read: {error.strerror}") from None
    if len(content) > most:
        raise ValueError(f"{name} must have at most {most:,} bytes")
    context["beside"][name] = content
    return content


def dotted(key: TomlKey) -> str:
    """A key as people write it: `map.districts.lam-son.name`, `menu[2]`."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part if _BARE.fullmatch(part) else f'"{part[:80]}"'
            text += f".{bare}" if text else bare
    return text


def _of_toml(message: str, text: str) -> SiteFault:
    place = _PLACE.search(message)
    if place is None:
        last = text.count("\n") + 1
        return SiteFault(last, "", f"is no TOML: {message.removesuffix(' (at end of document)')}")
    told = f"is no TOML: {message[: place.start()]}, in column {place[2]}"
    return SiteFault(int(place[1]), "", told)


def _key_of(place: Sequence[int | str], data: Any) -> TomlKey:
    """The key at a fault's place, without what pydantic adds for its own types."""
    key: TomlKey = ()
    for at, part in enumerate(place):
        held: Any = dict(enumerate(data)) if isinstance(data, list) else data
        if isinstance(held, dict) and part in held:
            data = held[part]
        elif at < len(place) - 1 or not isinstance(data, dict):
            continue
        key = (*key, part)
    return key


_TOLD = {
    "missing": "is missing",
    "string_type": "must be a text in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}


def _said(fault: Any, model: type[BaseModel]) -> str:
    kind = fault["type"]
    if kind in _TOLD:
        return _TOLD[kind]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), _keys(model), n=1, cutoff=0.75)
        return "is no key here" + (f": is {near[0]} meant?" if near else "")
    if kind in ("too_short", "too_long"):
        bounds = fault["ctx"]
        if "min_length" in bounds:
            return f"must have at least {bounds['min_length']}"
        return f"must have at most {bounds['max_length']}"
    return str(fault["msg"]).removeprefix("Value error, ").replace("Input should", "must")


def _keys(model: type[BaseModel]) -> list[str]:
    """The keys of a model and of the tables in it."""
    names = []
    for name, told in model.model_fields.items():
        names.append(str(told.validation_alias or name))
        for each in tables_in(told.annotation):
            names += _keys(each)
    return names


def tables_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a field's type names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = getattr(annotation, "__args__", ())
    return [found for each in inner for found in tables_in(each)]
