"""The site's own colours, and the style sheet that they make. Pure."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from services.render.site.contrast import BAR_INKS, BARS, LEAST_CONTRAST, PAPERS, contrast
from shared.base.site_basics import SiteTable
from shared.base.toml_lines import TomlKey

_DIGITS = frozenset("0123456789abcdef")


def _colour(value: str) -> str:
    colour = value.lower()
    if len(colour) not in (4, 7) or colour[0] != "#" or not _DIGITS.issuperset(colour[1:]):
        raise ValueError("must be a colour such as #0b5699")
    return colour


Colour = Annotated[str, AfterValidator(_colour)]


class Palette(SiteTable):
    """The colours of one theme. Those that are absent stay as they are by default."""

    brand: Colour | None = Field(None, description="the site's name and headings")
    bar: Colour | None = Field(None, description="behind the white text of bars")
    link: Colour | None = Field(None, description="links")
    accent: Colour | None = Field(None, description="marks and small headings")

    def weak(self, dark: bool) -> Iterator[tuple[TomlKey, str]]:
        """Colours that text can't be read in."""
        for name, colour in self:
            if isinstance(colour, str):
                other = (BAR_INKS if name == "bar" else PAPERS)[dark]
                found = contrast(colour, other)
                if found < LEAST_CONTRAST:
                    yield (
                        (name,),
                        f"{colour} has a contrast of {found:.2f}:1 to {other}; must be "
                        f"{LEAST_CONTRAST}:1 at least",
                    )

    def rule(self) -> str:
        """The colours as a CSS rule."""
        told = "".join(f"--{name}:{value};" for name, value in self if isinstance(value, str))
        return f":root{{{told}}}" if told else ""


class Colours(Palette):
    """The site's colours."""

    dark: Palette = Field(Palette(), description="the colours of the dark theme")

    def faults(self) -> Iterator[tuple[TomlKey, str]]:
        """Colours that text can't be read in, by key."""
        yield from self.weak(dark=False)
        yield from ((("dark", *key), told) for key, told in self.dark.weak(dark=True))

    def theme(self, dark: bool) -> str:
        """The colour of what a browser or system draws around pages: that of the bars."""
        palette = self.dark if dark else self
        return palette.bar or BARS[dark]

    def css(self) -> str:
        """The style sheet that sets the colours; empty if all are the default ones."""
        themes = (("light", self.rule()), ("dark", self.dark.rule()))
        return "".join(
            f"\n@media (prefers-color-scheme: {theme}){{{rule}}}" for theme, rule in themes if rule
        )
