"""The pages for people, so that tests do what they say: every block of code, and which test runs
it.

A block that no test runs says why in a comment before it, which readers don't see: `<!-- not run: …
-->`.
"""

import re
import subprocess
from dataclasses import dataclass
from textwrap import dedent
from urllib.parse import urlsplit

from deploy.local.broker import Node
from tests.support.system import ROOT

PAGE = ROOT / "docs/subscribers.md"
PAGES = (
    "README.md",
    "README.vi.md",
    "CONTRIBUTING.md",
    "docs/subscribers.md",
    "docs/operations.md",
    "docs/capacity.md",
    "packages/events/README.md",
    "packages/npm/README.md",
    "packages/subscriber/README.md",
)
_BLOCK = re.compile(
    r"(?:^[ ]*<!-- not run: (?P<reason>.+?) -->\n)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)

RUN = {
    (
        "README.md",
        "PUT http://127.0.0.1:8001/articles/hello1",
    ): "tests/integration/test_guide.py::test_the_api_in_brief",
    ("README.md", "make demo"): "tests/integration/test_guide.py::test_the_demo",
    (
        "docs/operations.md",
        'name = { vi = "Báo Lam Sơn"',
    ): "tests/contract/test_site_keys.py::test_the_guide_s_example_is_a_site_s_file",
    ("README.vi.md", "make demo"): "tests/integration/test_guide.py::test_the_demo",
    ("README.vi.md", "make subscriber"): "tests/integration/test_guide.py::test_the_demo",
    ("README.vi.md", "PUT "): "tests/integration/test_readme_vi.py::test_its_commands",
    (
        "README.vi.md",
        "xin-chao-xinchao1.html",
    ): "tests/integration/test_readme_vi.py::test_its_commands",
    ("README.vi.md", "8001/reads"): "tests/integration/test_readme_vi.py::test_its_commands",
    (
        "docs/subscribers.md",
        "follow.sh",
    ): "tests/integration/test_subscribers_page.py::test_the_first_event",
    (
        "docs/subscribers.md",
        "import amqplib",
    ): "tests/integration/test_subscribers_page.py::test_the_first_event",
    ("docs/subscribers.md", "npm install"): "tests/packages/javascript.py::check",
    ("docs/subscribers.md", "pip install"): "tests/support/wheels.py::install_kit",
    (
        "docs/subscribers.md",
        "import { isEvent }",
    ): "tests/integration/test_packages.py::test_the_npm_package_has_types_and_judges_events",
    (
        "docs/subscribers.md",
        "from luotdoc_subscriber import",
    ): "tests/integration/test_subscribers_page.py::test_the_first_event",
    (
        "docs/subscribers.md",
        "from faststream",
    ): "tests/integration/test_subscribers_page.py::test_the_first_event",
    (
        "docs/subscribers.md",
        "FakeQueue",
    ): "tests/unit/test_subscriber_testing.py::test_the_examples_of_the_documents",
    (
        "packages/subscriber/README.md",
        "FakeQueue",
    ): "tests/unit/test_subscriber_testing.py::test_the_examples_of_the_documents",
    (
        "docs/subscribers.md",
        "specversion",
    ): "tests/contract/test_subscribers_page.py::test_the_event_that_it_shows",
    (
        "docs/subscribers.md",
        "ON CONFLICT",
    ): "tests/contract/test_subscribers_page.py::test_its_statement_keeps_the_later_count",
    (
        "docs/subscribers.md",
        "parked redrive search.articles",
    ): "tests/integration/test_subscribers_page.py::test_the_commands_for_own_queues",
    ("docs/subscribers.md", "add_user search"): "tests/integration/conftest.py::subscriber",
    (
        "packages/events/README.md",
        "import ArticlePublished",
    ): "tests/integration/test_packages.py::test_the_example_of_the_events_reads_an_event",
    (
        "packages/npm/README.md",
        "import { parse }",
    ): "tests/integration/test_packages.py::test_the_npm_package_has_types_and_judges_events",
    (
        "packages/subscriber/README.md",
        "from luotdoc_subscriber import",
    ): "tests/integration/test_packages.py::test_the_kit_s_page_shows_the_program_of_the_guide",
    (
        "docs/operations.md",
        "add_user $user",
    ): "tests/integration/test_guide.py::test_the_users_of_the_services",
    (
        "docs/operations.md",
        ".env.example",
    ): "tests/contract/test_compose.py::test_the_command_of_the_guide",
    ("docs/operations.md", "awk"): "tests/integration/test_guide.py::test_the_queues_that_refuse",
    (
        "docs/operations.md",
        "shared.parked list",
    ): "tests/integration/test_guide.py::test_parked_messages",
    (
        "docs/operations.md",
        "shared.replay --to",
    ): "tests/integration/test_guide.py::test_the_replays",
    (
        "docs/operations.md",
        "services.ingest reconcile",
    ): "tests/integration/test_guide.py::test_the_reconciliation",
    (
        "docs/operations.md",
        "set_parameter shovel recount",
    ): "tests/rehearsals/test_restore.py::test_mongodb_is_older_than_the_queue",
    (
        "docs/operations.md",
        "clear_parameter shovel recount",
    ): "tests/rehearsals/test_restore.py::test_mongodb_is_older_than_the_queue",
    (
        "docs/operations.md",
        "change_password ingest",
    ): "tests/rehearsals/test_passwords.py::test_rabbitmq_s_passwords_are_replaced",
    (
        "docs/operations.md",
        "forget_cluster_node rabbit@LOST",
    ): "tests/rehearsals/test_lost_node.py::test_a_node_of_a_cluster_is_lost",
    (
        "docs/operations.md",
        "# exchanges",
    ): "tests/rehearsals/test_restore.py::test_rabbitmq_comes_back_empty",
}
"""By page and by what stands in the block, the test that runs it."""


@dataclass(frozen=True)
class Block:
    """A block of code: its page, language, text, and why it is not run, empty where it is."""

    page: str
    language: str
    text: str
    reason: str


def every_block(page: str, text: str | None = None) -> list[Block]:
    """The blocks of a page, those inside of lists too; none of a page that does not exist."""
    path = ROOT / page
    held = text if text is not None else path.read_text() if path.exists() else ""
    return [
        Block(page, found["language"], dedent(found["text"]), found["reason"] or "")
        for found in _BLOCK.finditer(held)
    ]


def block(page: str, part: str) -> str:
    """The text of the one block of a page that holds `part`; it must stand in `RUN`."""
    assert (page, part) in RUN
    (found,) = [each for each in every_block(page) if part in each.text]
    return found.text


def blocks(language: str) -> list[str]:
    """The blocks of docs/subscribers.md in a language that are run, in order."""
    return [
        each.text
        for each in every_block("docs/subscribers.md")
        if each.language == language and not each.reason
    ]


def make_subscriber(broker: Node, name: str) -> str:
    """Do what the page asks operators to do for a subscriber; answers the address that it logs in
    with.
    """
    commands = block("docs/subscribers.md", "add_user search")
    there = commands.replace("search", name).replace(f"{name}.", f"{broker.folder}/{name}.")
    there = there.replace("rabbitmqctl", " ".join(broker.controller()))
    subprocess.run(
        ["sh", "-eu", "-c", there], cwd=ROOT, env=broker.environment(), check=True, timeout=600
    )
    password = (broker.folder / f"{name}.password").read_text().strip()
    return f"amqp://{name}:{password}@{urlsplit(broker.url).netloc.rpartition('@')[2]}/"
