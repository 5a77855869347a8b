"""Tracing of our services by OpenTelemetry: its settings, and the tracer that they ask for.

Tracing is off until the address of an OTLP collector is set. While it is off, none of the libraries
below `shared.base.spans` is imported.
"""

import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings

from luotdoc_subscriber.base import urls
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer

_COLLECTOR = "must be an address such as http://collector:4318"


def _or(default: object) -> Callable[[object], object]:
    """A value that is empty counts as not set, as OpenTelemetry demands."""

    def plain(value: object) -> object:
        if not isinstance(value, str):
            return value
        return value.strip() or default

    return plain


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _collector(value: str) -> str:
    if value:
        parts = urls.split(value, _COLLECTOR)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(_COLLECTOR)
        urls.host_of(parts, _COLLECTOR)
    return value


Collector = Annotated[str, BeforeValidator(_or("")), AfterValidator(_collector)]
Protocol = Annotated[Literal["http/protobuf"], BeforeValidator(_or("http/protobuf"))]


def _standard(name: str, default: Any, description: str) -> Any:
    # Not shown: an address may have a password.
    return Field(default, validation_alias=f"OTEL_{name}", description=description, repr=False)


class TracingSettings(BaseSettings):
    """The standard variables that decide whether and how much is traced.

    The SDK reads them itself, and all others. These are checked because the SDK would take a wrong
    one for "trace everything", or for another protocol than the one that is installed.
    """

    otel_sdk_disabled: Annotated[
        Literal["true", "false"], BeforeValidator(_lower), BeforeValidator(_or("false"))
    ] = _standard("SDK_DISABLED", "false", "true turns tracing off")
    otel_traces_exporter: Annotated[
        Literal["otlp", "none"], BeforeValidator(_lower), BeforeValidator(_or("otlp"))
    ] = _standard("TRACES_EXPORTER", "otlp", "none turns tracing off")
    otel_endpoint: Collector = _standard(
        "EXPORTER_OTLP_ENDPOINT",
        "",
        "OTLP collector, such as http://collector:4318; turns tracing on",
    )
    otel_traces_endpoint: Collector = _standard(
        "EXPORTER_OTLP_TRACES_ENDPOINT",
        "",
        "the same with its path, such as http://collector:4318/v1/traces",
    )
    otel_protocol: Protocol = _standard(
        "EXPORTER_OTLP_PROTOCOL", "http/protobuf", "the only protocol that is installed"
    )
    otel_traces_protocol: Protocol = _standard(
        "EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf", "the only protocol that is installed"
    )
    otel_traces_sampler: Annotated[
        Literal[
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ],
        BeforeValidator(_lower),
        BeforeValidator(_or("parentbased_always_on")),
    ] = _standard("TRACES_SAMPLER", "parentbased_always_on", "which traces are recorded")
    otel_traces_sampler_arg: Annotated[float, BeforeValidator(_or(1.0))] = Field(
        1.0,
        ge=0,
        le=1,
        validation_alias="OTEL_TRACES_SAMPLER_ARG",
        description="share of traces that the ratio samplers record",
    )

    @property
    def traced(self) -> bool:
        """True if spans are to be exported."""
        wanted = self.otel_endpoint or self.otel_traces_endpoint
        off = self.otel_sdk_disabled == "true" or self.otel_traces_exporter == "none"
        return bool(wanted) and not off

    @property
    def sampled_share(self) -> float:
        """The share of new traces that the sampler records, 0 to 1."""
        sampler = self.otel_traces_sampler.removeprefix("parentbased_")
        return {"always_on": 1.0, "always_off": 0.0}.get(sampler, self.otel_traces_sampler_arg)


def make_tracer(service: str, settings: TracingSettings) -> Tracer:
    """The tracer of one of our services; `UNTRACED` unless the settings turn tracing on.

    Ends the process, as `load_settings` does, if the SDK refuses a variable.
    """
    if not settings.traced:
        return UNTRACED
    from shared.base.spans import exporting_tracer  # only here: see the top of this module

    try:
        return exporting_tracer(service, settings.sampled_share)
    except ValueError as error:
        sys.stderr.write(f"The settings are not usable:\n  OTEL_…: {error}\n")
        raise SystemExit(2) from None
