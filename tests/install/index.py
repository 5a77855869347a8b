"""A package index in a folder, as PEP 503 lays it out: files that are given, and newer releases
that are made up.
"""

import base64
import hashlib
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

NEWER = "9999.0"


def normalized(name: str) -> str:
    """A project's name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def make_wheel(
    folder: Path, name: str, version: str, requires: Sequence[str] = (), extras: Iterable[str] = ()
) -> Path:
    """Write an empty wheel that any Python takes; answers its path."""
    stem = f"{normalized(name).replace('-', '_')}-{version}"
    about = f"{stem}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Provides-Extra: {extra}" for extra in extras] + [
        f"Requires-Dist: {need}" for need in requires
    ]
    files = {
        f"{about}/METADATA": "\n".join(metadata) + "\n",
        f"{about}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: luotdoc\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = (
        "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in files.items())
        + f"{about}/RECORD,,\n"
    )
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in {**files, f"{about}/RECORD": record}.items():
            wheel.writestr(inside, text)
    return path


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def project_of(file: Path) -> str:
    """The project that a wheel or an sdist is of."""
    return normalized(re.split(r"-(?=\d)", file.name, maxsplit=1)[0])


def make_index(folder: Path, files: Iterable[Path], newer: Mapping[str, Iterable[str]]) -> str:
    """Lay `files` out under `folder`, beside a newer release of each of `newer` (its extras);
    answers the address.
    """
    for project, extras in newer.items():
        (folder / project).mkdir(parents=True, exist_ok=True)
        make_wheel(folder / project, project, NEWER, extras=extras)
    for file in files:
        place = folder / project_of(file)
        place.mkdir(parents=True, exist_ok=True)
        (place / file.name).symlink_to(file.resolve())
    for place in folder.iterdir():
        links = "".join(
            f'<a href="{file.name}">{file.name}</a>\n' for file in sorted(place.iterdir())
        )
        (place / "index.html").write_text(f"<!DOCTYPE html>\n{links}")
    return folder.resolve().as_uri() + "/"
