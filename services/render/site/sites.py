"""Makes the site of the settings."""

from services.render.settings import RenderSettings
from services.render.site.model import WholeSite
from shared.base.site_basics import SiteBasics
from shared.base.words import SiteText


def site_of(settings: RenderSettings, changed: SiteBasics | None = None) -> WholeSite:
    """The site as its file describes it, or `changed`, the file's present content; without a file
    as the settings do.
    """
    held = changed or (settings.site.site if settings.site else None)
    site = held if isinstance(held, WholeSite) else _of_settings(settings)
    return site.model_copy(update={"base_url": settings.base_url, "time_zone": settings.time_zone})


def _of_settings(settings: RenderSettings) -> WholeSite:
    return WholeSite.model_validate(
        {
            "name": SiteText(settings.site_name),
            "tagline": SiteText(settings.site_tagline),
            "footer": {"address": SiteText(settings.site_address)},
            "sections": {slug: {"name": SiteText(name)} for slug, name in settings.sections},
            "links": [{"name": SiteText(name), "url": url} for name, url in settings.links],
            "picture_hosts": list(settings.picture_hosts),
            "baseline": settings.site_baseline,
        }
    )
