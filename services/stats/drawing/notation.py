"""Numbers for people: `7.666`, `1,5 nghìn`, `+12,3 %`. Pure."""

from dataclasses import dataclass

NO_NUMBER = "—"
"""What stands for a number that is not known."""
_FEW = 100
"""From so many of a unit on, a shortened number has no decimals."""
_NEARLY = 0.9995
"""Share of a unit from which a number is rounded to one of it: 999.950 is one million."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How a language writes numbers. `units` has (size, word), the largest first."""

    group: str
    point: str
    units: tuple[tuple[int, str], ...]
    gap: str
    """What stands between a number and its unit."""

    def whole(self, value: int | None) -> str:
        """A whole number with its digits in groups; None is `NO_NUMBER`."""
        return NO_NUMBER if value is None else f"{value:,}".replace(",", self.group)

    def decimal(self, value: float, places: int = 1) -> str:
        """A number with at most `places` decimals."""
        whole, _, rest = f"{value:,.{places}f}".partition(".")
        rest = rest.rstrip("0")
        return whole.replace(",", self.group) + (f"{self.point}{rest}" if rest else "")

    def short(self, value: float) -> str:
        """A number of a few characters for an axis: with a unit, and one decimal at most."""
        found = self.decimal(value)
        for size, word in reversed(self.units):
            if value < _NEARLY * size:
                break
            few = value < _FEW * size
            found = self.decimal(value / size, 1 if few else 0) + self.gap + word
        return found

    def share(self, part: int, whole: int) -> str:
        """A part in percent, without a sign; `NO_NUMBER` of nothing."""
        return f"{self.decimal(100 * part / whole)}{self.gap}%" if whole else NO_NUMBER

    def change(self, now: int, before: int | None) -> str:
        """The change from `before` to `now` in percent, with its sign; `NO_NUMBER` if there is
        nothing to compare with.
        """
        if not before:
            return NO_NUMBER
        percent = round(100 * (now - before) / before, 1)
        sign = "+" if percent > 0 else "−" if percent < 0 else "±"
        return f"{sign}{self.decimal(abs(percent))}{self.gap}%"


VIETNAMESE = Notation(
    group=".",
    point=",",
    units=((10**12, "nghìn tỷ"), (10**9, "tỷ"), (10**6, "triệu"), (10**3, "nghìn")),
    gap="\u00a0",
)
ENGLISH = Notation(
    group=",", point=".", units=((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")), gap=""
)
