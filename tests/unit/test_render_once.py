"""Parts of templates that are rendered once, and the pages that share them."""

from datetime import UTC, datetime

import pytest
from jinja2 import DictLoader, Environment
from markupsafe import Markup

from luotdoc_events import events
from services.render.rendering import folded, once
from services.render.rendering.renderer import Renderer
from services.render.settings import RenderSettings

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def environment(text: str) -> Environment:
    return Environment(autoescape=True, extensions=[once.Once], loader=DictLoader({"t": text}))


def test_the_part_is_rendered_on_the_first_page_alone() -> None:
    made = environment("{{ a }}{% once %} <b>{{ told() }}</b>{% endonce %}").get_template("t")
    numbers = iter(("<1>", "2"))
    pages = [made.render(a=a, told=lambda: next(numbers)) for a in ("x", "y")]
    assert pages == ["x <b>&lt;1&gt;</b>", "y <b>&lt;1&gt;</b>"]


def test_a_part_with_a_key_is_rendered_for_each_of_its_values() -> None:
    made = environment("{% once a, b %}{{ a }}{{ b }}{{ c }}{% endonce %}").get_template("t")
    asked = [("x", 1), ("x", 2), ("x", 1)]
    assert [made.render(a=a, b=b, c=c) for c, (a, b) in enumerate(asked)] == ["x10", "x21", "x10"]


def test_parts_of_one_template_are_told_apart() -> None:
    made = environment("{% once %}1{% endonce %}{% once %}2{% endonce %}")
    assert made.get_template("t").render() == "12"


def test_the_kept_texts_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "MOST_KEYS", 2)
    made = environment("{% once a %}{{ b }}{% endonce %}").get_template("t")
    pages = [made.render(a=a, b=b) for b, a in enumerate("aabbccaa")]
    assert "".join(pages) == "00224466"  # a was dropped for c, and rendered again


def test_pages_of_one_renderer_are_those_of_renderers_of_their_own() -> None:
    settings = RenderSettings.model_validate(
        {
            "amqp_url": "amqp://a@h",
            "mongo_url": "mongodb://h/d?replicaSet=r",
            "site": "tests/cases/site-en/site.toml",
            "live_url": "/stats/live",
        }
    )
    articles = [
        events.ArticlePublished(
            id=f"a{number}", revision=1, url="https://cms.vn/x", slug="tin", section=section,
            title=f"Tin <{number}>", lead="Lời dẫn", language=language, body_html="<p>Tin</p>",
            published_at=NOON, modified_at=NOON,
        )
        for number, (section, language) in enumerate(
            (each, language)
            for each in ("news", "council", "khac")
            for language in ("en", "vi", "ar")
        )
    ]  # fmt: skip
    shared = Renderer(settings)
    together = [shared.article(each) for each in articles]
    assert together == [Renderer(settings).article(each) for each in articles]
    assert len({tuple(each) for each in together}) == len(articles)


def test_a_message_without_values_is_put_into_the_compiled_template() -> None:
    asked = list[str]()

    def said(message: str, **values: object) -> Markup:
        asked.append(message)
        return Markup(message.replace("a", "A").replace("d", "D")) % values

    made = Environment(autoescape=True, extensions=[folded.FoldedMessages])
    made.globals["_"] = said
    template = made.from_string(
        """{{ _("a <b>") }}, {{ {"x": _('c')}.x ~ _("d") }}, {{ _("%(n)s e", n="<") }}"""
    )
    assert asked == ["a <b>", "c", "d"]
    assert template.render() == "A <b>, cD, &lt; e"
    assert asked[3:] == ["%(n)s e"]
