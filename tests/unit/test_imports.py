"""Which room may import what. Read from the source, so that an import inside a function counts
too.
"""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from tests.support.sources import PRODUCT, modules, nodes

MODULES = modules(*PRODUCT)
SERVICES = {"ingest", "render", "counter", "stats"}

KIT = {"luotdoc_events", "luotdoc_subscriber.base", "luotdoc_subscriber.rabbit"}
ROOMS: dict[str, set[str]] = {
    "luotdoc_events": set(),
    "luotdoc_subscriber.base": {"luotdoc_events"},
    "luotdoc_subscriber.rabbit": {"luotdoc_subscriber.base", "luotdoc_events"},
    "luotdoc_subscriber.commands": {"luotdoc_subscriber", *KIT},
    "luotdoc_subscriber.__main__": {"luotdoc_subscriber.commands", *KIT},
    "luotdoc_subscriber": KIT,
    "shared.base": {"luotdoc_subscriber.base", "luotdoc_events"},
    "shared.web": {"shared.base", "luotdoc_subscriber.base", "luotdoc_events"},
    "shared.agents": set(),
    "shared.rabbit": {"shared.base", *KIT},
    "shared.storage": {"shared.base", "shared.rabbit", "luotdoc_subscriber.base"},
    "shared.contract": {"shared.base", "shared.rabbit", *KIT},
}
"""What each room may import besides itself; a room within a room comes before it."""
OURS = {"shared", "luotdoc_events", "luotdoc_subscriber"}
COMMANDS = {"shared.setup", "shared.parked", "shared.replay"}
"""What operators type. They may import every room, and only commands of the services import them.
"""

PURE = {
    *(
        f"services.ingest.{name}"
        for name in (
            "articles.answers",
            "articles.article",
            "articles.article_events",
            "articles.article_ids",
            "articles.changes",
            "articles.content",
            "articles.documents",
            "articles.media",
            "articles.preconditions",
            "articles.reconcile",
            "articles.slug",
            "articles.texts",
            "reads.agent_notes",
            "reads.agents",
            "reads.devices",
            "reads.limit",
            "reads.read_request",
            "reads.referrers",
            "reads.signs",
            "reads.visitors",
            "tokens",
        )
    ),
    "services.render.cursors",
    "services.render.keys",
    *(
        f"services.render.machine.{name}"
        for name in (
            *(
                "addresses",
                "atom",
                "feed",
                "hreflang",
                "markup",
                "open_graph",
                "publication",
                "rss",
            ),
            *("sitemap", "small_files", "structured"),
        )
    ),
    "services.render.rendering.for_machines",
    "services.render.rendering.machine_heads",
    "services.render.page",
    "services.render.page_documents",
    "services.render.rendering.renderer",
    "services.render.rendering.picture_sizes",
    "services.render.rendering.pictures",
    "services.render.serving.tags",
    *(
        f"services.render.search.{name}"
        for name in ("entries", "folding", "plain", "questions", "ranking", "snippets")
    ),
    *(
        f"services.render.site.{name}"
        for name in ("addresses", "blocks", "colours", "contrast", "drawing", "hosts", "maps")
    ),
    "services.render.site.model",
    *(f"services.counter.{name}" for name in ("tally", "deliveries", "pace")),
    *(
        f"services.counter.recount.{name}"
        for name in ("correcting", "judging", "plan", "relabel", "seen")
    ),
    *(
        f"services.stats.{name}"
        for name in (
            "answers",
            "books_answers",
            "catalogue",
            "moments",
            "parameters",
            "periods",
            "tables",
            "compared",
            "kind_answers",
            "kinds",
            "readers.answers",
            "readers.distinct",
            "readers.fold",
            "readers.parameters",
            "readers.place",
            "readers.scopes",
            "embedding.badges",
            "live.frames",
            "live.listener",
            "live.places",
            "traffic.sections.listed",
            "traffic.chunks",
            "traffic.course",
            "traffic.pieces",
            "traffic.pipelines",
            "traffic.projections",
            "traffic.ranking",
            "traffic.shares",
            "traffic.site_buckets",
            "traffic.windows",
        )
    ),
    *(
        f"services.stats.drawing.{name}"
        for name in ("notation", "scales", "markup", "lines", "bars", "heat")
    ),
    *(
        f"services.stats.pages.{name}"
        for name in (
            *("words", "languages", "spans", "blocks", "heat_block", "site_blocks", "site_tiles"),
            *("lists", "shown"),
        )
    ),
    *(
        f"services.stats.traffic.{name}"
        for name in ("archive_export", "compare", "export", "lines", "trending")
    ),
    *(
        f"shared.{name}"
        for name in (
            "agents.crawler_list",
            "agents.reduction",
            "agents.rules",
            "rabbit.batch",
            "rabbit.batch_agents",
            "rabbit.batch_bounds",
            "rabbit.corrections",
            "rabbit.batch_parsing",
            "storage.archive",
            "storage.counts",
            "storage.gaps",
            "storage.quarters",
            "storage.versions",
            "base.errors",
            "base.letters",
            "base.path_names",
            "base.site_basics",
            "base.texts",
            "base.toml_lines",
            "base.words",
            "base.salt_days",
            "web.addresses",
            "web.state_listing",
            "contract.gate",
            "contract.schemas",
        )
    ),
    "luotdoc_events.events",
    "luotdoc_subscriber.base.clock",
    "luotdoc_subscriber.base.errors",
    "luotdoc_subscriber.commands.selection",
    "luotdoc_subscriber.attempts",
    "luotdoc_subscriber.decision",
    "luotdoc_subscriber.rabbit.refusals",
    "luotdoc_subscriber.verdicts",
}
DRIVERS = {"faststream", "aio_pika", "aiormq", "motor", "pymongo", "bson", "prometheus_client"}
MONGO = {"motor", "pymongo", "bson"}


def imports_in(source: str) -> Iterator[str]:
    """Every name that a module imports, such as `pymongo.errors.PyMongoError`."""
    return _imports(ast.walk(ast.parse(source)))


def _imports(found: Iterable[ast.AST]) -> Iterator[str]:
    for node in found:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def imports(module: str) -> frozenset[str]:
    return frozenset(_imports(nodes(MODULES[module])))


def top(name: str) -> str:
    return name.partition(".")[0]


def ours(module: str) -> set[str]:
    """The modules of ours that a module imports."""
    return {
        name if name in MODULES else name.rpartition(".")[0] for name in imports(module)
    } & MODULES.keys()


def reached(module: str) -> set[str]:
    """A module with all of ours that it imports, directly or not."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += ours(name)
    return found


def test_the_rooms_are_all_there() -> None:
    assert {name.split(".")[1] for name in MODULES if name.startswith("services.")} == SERVICES
    assert MODULES.keys() >= PURE


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import a.b, c\nfrom d.e import f\ndef late() -> None:\n    from g import h as i\n"
    assert list(imports_in(source)) == ["a.b", "c", "d.e.f", "g.h"]


def offending(modules: Iterable[str], wrong: Callable[[str, str], bool]) -> list[str]:
    """What imports what it should not: `wrong` is asked with the module and the name that it
    imports.
    """
    return [
        f"{module} imports {name}"
        for module in modules
        for name in sorted(imports(module))
        if wrong(module, name)
    ]


def test_a_service_imports_no_other_service() -> None:
    def another(module: str, name: str) -> bool:
        return top(name) == "services" and name.split(".")[1:2] != module.split(".")[1:2]

    assert offending([name for name in MODULES if name.startswith("services.")], another) == []


def room(module: str) -> str:
    """The room that a module stands in, or the module itself outside of all rooms."""
    return next((name for name in ROOMS if module == name or module.startswith(f"{name}.")), module)


def test_each_room_imports_what_it_may() -> None:
    def wrong(module: str, name: str) -> bool:
        if top(name) not in OURS:
            return False
        return room(name) != room(module) and room(name) not in ROOMS[room(module)]

    assert offending([module for module in MODULES if room(module) in ROOMS], wrong) == []


def test_every_module_of_shared_has_a_room() -> None:
    alone = {name for name in MODULES if top(name) in OURS and room(name) not in ROOMS}
    assert alone == COMMANDS | {"shared"}


def test_nothing_imports_itself_through_others() -> None:
    assert [
        module
        for module in sorted(MODULES)
        if any(module in reached(each) for each in ours(module))
    ] == []


def test_what_is_shared_imports_no_service() -> None:
    assert (
        offending(
            [name for name in MODULES if top(name) == "shared"],
            lambda _, name: top(name) == "services",
        )
        == []
    )


def test_nothing_imports_tests_or_tools() -> None:
    assert offending(MODULES, lambda _, name: top(name) in {"tests", "deploy"}) == []


def needs(package: str) -> set[str]:
    """The third parties' packages that a package of ours imports."""
    modules = [name for name in MODULES if top(name) == package]
    names = {top(name) for module in modules for name in imports(module)}
    return names - sys.stdlib_module_names - {package}


def test_the_events_need_nothing_but_pydantic() -> None:
    assert needs("luotdoc_events") == {"pydantic"}


def test_the_kit_needs_what_its_package_depends_on() -> None:
    assert needs("luotdoc_subscriber") == {
        "luotdoc_events",
        *("aio_pika", "aiormq", "faststream", "pamqp", "prometheus_client"),
        *("pydantic", "pydantic_settings", "pythonjsonlogger"),
    }


def test_mongodb_and_its_errors_are_known_to_the_stores_alone() -> None:
    def driver(module: str, name: str) -> bool:
        store = (
            room(module) == "shared.storage"
            or module == "shared.base.urls"
            or module.endswith(".store")
        )
        return top(name) in MONGO and not store

    assert offending(MODULES, driver) == []


def test_domain_code_reaches_no_driver_not_even_through_others() -> None:
    for module in sorted(PURE):
        found = reached(module) - {
            "shared.base.urls"
        }  # it judges addresses, and connects to nothing
        assert offending(sorted(found), lambda _, name: top(name) in DRIVERS) == [], module
