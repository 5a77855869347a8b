"""Values as Grafana writes them, for the units that our panels use."""

_BYTES = ("B", "KiB", "MiB", "GiB")


def written(value: float, unit: str, decimals: int | None = None) -> str:
    """A value with its unit, such as `12.3 req/s`."""
    match unit:
        case "percentunit":
            return f"{_plain(value * 100, 1 if decimals is None else decimals)} %"
        case "bytes":
            return _bytes(value)
        case "s":
            return _seconds(value, decimals)
        case "reqps":
            return f"{_short(value, decimals)} req/s"
        case "ops":
            return f"{_short(value, decimals)} ops/s"
        case "locale":
            return f"{value:,.{decimals or 0}f}".removesuffix(".0")
    return _short(value, decimals)


def _plain(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short(value: float, decimals: int | None) -> str:
    if abs(value) >= 1000:
        return f"{_plain(value / 1000, 2)} K"
    if decimals is None:
        decimals = 0 if value == int(value) else 1 if abs(value) >= 10 else 2
    return _plain(value, decimals)


def _bytes(value: float) -> str:
    for unit in _BYTES:
        if abs(value) < 1024 or unit == _BYTES[-1]:
            return f"{_plain(value, 1)} {unit}"
        value /= 1024
    raise AssertionError


def _seconds(value: float, decimals: int | None) -> str:
    size = abs(value)
    if size >= 86_400:
        return f"{_plain(value / 86_400, 1)} days"
    if size >= 3600:
        return f"{_plain(value / 3600, 1)} h"
    if size >= 60:
        return f"{_plain(value / 60, 1)} min"
    if size >= 1 or value == 0:
        return f"{_plain(value, 1 if decimals is None else decimals)} s"
    if size >= 0.001:
        return f"{_plain(value * 1000, 1)} ms"
    return f"{_plain(value * 1_000_000, 0)} µs"
