"""Structured data by schema.org, as JSON-LD for a script element. Pure."""

from typing import Any

import orjson

from services.render.machine.publication import MachineArticle, Publication, utc_text

Things = dict[str, Any]
_ESCAPES = {c: f"\\u{ord(c):04x}" for c in ("<", ">", "&", "\u2028", "\u2029", "\x7f")}


def script_json(things: list[Things]) -> str:
    """The things as JSON that no text can end: it has neither `<` nor `&`."""
    graph = {"@context": "https://schema.org", "@graph": things}
    text = orjson.dumps(graph).decode()
    for found, escape in _ESCAPES.items():  # six times `replace` takes a twentieth of `translate`
        text = text.replace(found, escape)
    return text


def organization(site: Publication) -> Things:
    """The publisher."""
    found: Things = {
        "@type": "NewsMediaOrganization",
        "@id": f"{site.url}/#publisher",
        "name": site.publisher or site.name,
        "url": f"{site.url}/",
    }
    if site.logo:
        found["logo"] = {"@type": "ImageObject", "url": site.absolute(site.logo)}
    if site.email:
        found["email"] = site.email
    return found


def website(site: Publication, language: str, prefix: str = "") -> Things:
    """The site with its search."""
    found: Things = {
        "@type": "WebSite",
        "@id": f"{site.url}{prefix}/#website",
        "url": f"{site.url}{prefix}/",
        "name": site.name,
        "inLanguage": language,
        "publisher": {"@id": f"{site.url}/#publisher"},
        "potentialAction": {
            "@type": "SearchAction",
            "target": {
                "@type": "EntryPoint",
                "urlTemplate": f"{site.url}{prefix}/tim-kiem/?q={{search_term_string}}",
            },
            "query-input": "required name=search_term_string",
        },
    }
    if site.tagline:
        found["description"] = site.tagline
    return found


def breadcrumbs(steps: list[tuple[str, str]]) -> Things:
    """The way to a page: (name, absolute address) of each step, the front page first."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": at, "name": name, "item": url}
            for at, (name, url) in enumerate(steps, 1)
        ],
    }


def news_article(site: Publication, article: MachineArticle) -> Things:
    """The article."""
    publisher = {"@id": f"{site.url}/#publisher"}
    found: Things = {
        "@type": "NewsArticle",
        "@id": f"{article.url}#article",
        "mainEntityOfPage": article.url,
        "url": article.url,
        "headline": article.title,
        "datePublished": utc_text(article.published),
        "dateModified": utc_text(article.modified or article.published),
        "inLanguage": article.language,
        "author": {"@type": "Person", "name": article.byline} if article.byline else publisher,
        "publisher": publisher,
        "isAccessibleForFree": True,
    }
    if article.lead:
        found["description"] = article.lead
    if article.section:
        found["articleSection"] = article.section
    if article.tags:
        found["keywords"] = [*article.tags]
    if picture := article.picture:
        image: Things = {"@type": "ImageObject", "url": picture.url}
        if picture.width and picture.height:
            image |= {"width": _pixels(picture.width), "height": _pixels(picture.height)}
        if picture.caption:
            image["caption"] = picture.caption
        if picture.credit:
            image["creditText"] = picture.credit
        found["image"] = image
    return found


def _pixels(number: int) -> Things:
    """A number of pixels: schema.org takes no bare number for a width."""
    return {"@type": "QuantitativeValue", "value": number, "unitCode": "E37"}


def article_things(
    site: Publication, article: MachineArticle, home: str, home_path: str = "/"
) -> list[Things]:
    """All that an article's page says. `home`: the front page's name."""
    section_url = article.section_url.replace(f"{site.url}/", site.url + home_path, 1)
    steps = [(home, site.url + home_path), (article.section, section_url)]
    steps.append((article.title, article.url))
    return [
        news_article(site, article),
        breadcrumbs([step for step in steps if step[0]]),
        organization(site),
    ]
