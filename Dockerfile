# One image for every service. The command says which: `python -m services.<name>`, or `python -m shared.setup`.

# The digest names an index with an image for each architecture, so amd64 and arm64 build from the same line.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${PYTHON_IMAGE} AS build

COPY requirements.txt /build/
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
       --only-binary :all: --no-deps --require-hashes -r /build/requirements.txt \
    && pip --python /opt/venv/bin/python check --disable-pip-version-check

COPY services /app/services
COPY luotdoc_events /app/luotdoc_events
COPY luotdoc_subscriber /app/luotdoc_subscriber
COPY shared /app/shared
COPY docs/events /app/docs/events
# Nothing can be written at run time, so the bytecode is made here.
RUN python -m compileall -q --invalidation-mode unchecked-hash /app


FROM ${PYTHON_IMAGE}

# The ids are fixed, because volumes and the orchestrator refer to them.
RUN groupadd --gid 10001 luotdoc \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin luotdoc \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/luotdoc/spool

COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

# Every container listens on 8000; which port that is outside is decided where it runs.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LUOTDOC_HOST=0.0.0.0 \
    LUOTDOC_PORT=8000 \
    LUOTDOC_SPOOL_DIR=/var/lib/luotdoc/spool

WORKDIR /app
USER 10001:10001

# A missing module, file or time zone shall fail the build, not a start.
RUN python -c "import services.render.app, services.ingest.app, services.counter.app, services.stats.app, shared.setup; \
from pathlib import Path; Path('docs/events/index.html').read_bytes(); \
from zoneinfo import ZoneInfo; ZoneInfo('Asia/Ho_Chi_Minh')"

EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['LUOTDOC_PORT']), timeout=2); c.request('GET', '/livez'); raise SystemExit(c.getresponse().status != 200)"]

CMD ["python", "-c", "raise SystemExit('Say which: python -m services.render, ingest, counter or stats; or shared.setup')"]
