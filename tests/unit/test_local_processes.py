"""The local stack: which processes are ours, and which ports."""

from pathlib import Path

import pytest

from deploy.local.ports import choose_port
from deploy.local.processes import belongs

FOLDER = Path("/site/.local")


@pytest.mark.parametrize("mark", ["/site/.local", "/site/.local/rabbitmq"])
def test_a_process_marked_with_the_folder_or_one_inside_it_is_ours(mark: str) -> None:
    assert belongs({"LOCAL_STACK_FOLDER": mark, "PATH": "/bin"}, FOLDER)


@pytest.mark.parametrize("mark", ["/site", "/site/.local2", "/other/.local", ""])
def test_a_process_of_another_folder_is_not(mark: str) -> None:
    assert not belongs({"LOCAL_STACK_FOLDER": mark}, FOLDER)


def test_a_process_without_the_mark_is_not_even_when_it_names_the_folder() -> None:
    assert not belongs({"HOME": "/site/.local"}, FOLDER)


def test_the_preferred_port_is_taken_when_it_is_free() -> None:
    assert choose_port(8000, free=lambda _: True) == 8000


def test_another_port_is_chosen_when_the_preferred_one_is_in_use_or_taken() -> None:
    in_use = choose_port(8000, free=lambda port: port != 8000)
    taken = choose_port(8000, taken=[8000], free=lambda _: True)

    assert 20_000 <= in_use < 32_768
    assert 20_000 <= taken < 32_768


def test_a_standard_port_is_never_chosen() -> None:
    with pytest.raises(OSError, match="no free port"):
        choose_port(free=lambda port: port in {25_672, 27_017, 27_018, 27_019})
