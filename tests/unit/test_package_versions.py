"""The version that packages for other teams get."""

import pytest

from packages.build import choose_version

EPOCH = 1_795_755_600
"""2026-11-27 05:00:00 UTC."""


def test_a_released_contract_gives_its_version() -> None:
    assert choose_version("1.2.9", {"1.2.9"}, EPOCH) == "1.2.9"


def test_between_two_releases_the_version_is_dated() -> None:
    """It is newer than the release, and older than any next one."""
    assert choose_version("1.2.9", {"Unreleased", "1.2.9"}, EPOCH) == "1.2.10.dev20261127050000"


@pytest.mark.parametrize("sections", [{"1.2.8"}, {"1.2.8", "1.2.9"}, {""}])
def test_a_changelog_without_the_version_stops_the_build(sections: set[str]) -> None:
    with pytest.raises(ValueError, match=r"write Unreleased, or 1\.2\.9"):
        choose_version("1.2.9", sections, EPOCH)
