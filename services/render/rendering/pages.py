"""An article as the page that is stored. Pure."""

from luotdoc_events import events
from services.render.keys import tag_key
from services.render.page import Page
from services.render.rendering.picture_sizes import PictureFacts, facts_of, leading_image
from services.render.rendering.renderer import Renderer
from shared.web.paths import article_path

_SUMMARY = {"title", "lead", "image", "byline", "tags", "topic", "language"}


def rendered_page(renderer: Renderer, article: events.Article, facts: PictureFacts) -> Page:
    """The page of an article. `facts`: what is known of its pictures."""
    image = leading_image(article, renderer.site.url, facts)
    picture = facts_of(image, renderer.site.url, facts)
    shown = article.model_copy(update={"image": image})
    summary = shown.model_dump(mode="json", include=_SUMMARY)
    return Page(
        id=article.id,
        revision=article.revision,
        state="published",
        template=renderer.version,
        baseline=article.reads_baseline,
        path=article_path(article.section, article.slug, article.id),
        section=article.section,
        language=renderer.site.language_of(article.language),
        tags=list(dict.fromkeys(filter(None, map(tag_key, article.tags)))),
        topic=tag_key(article.topic),
        pinned=article.pinned,
        translated_as=sorted({each.article for each in article.translations}),
        published_at=article.published_at,
        modified_at=article.modified_at,
        parts=renderer.article(article, facts),
        summary=summary | ({"picture": picture} if picture else {}),
        article=article.model_dump(),
        pictures=dict(facts),
    )
