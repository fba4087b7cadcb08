# syntax=docker/dockerfile:1
# The service alone: no compiler, no pip, no dashboards library. Runs as a numeric user on a read-only root:
#   docker run --read-only --cap-drop ALL -p 4317:4317 -p 4318:4318 -p 9464:9464 genai-exporter:dev

ARG PYTHON_VERSION=3.13.9

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /opt/genai-exporter
# Dependencies before the code: editing the code does not download them again.
COPY pyproject.toml constraints.txt ./
RUN python -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]))' \
      > requirements.txt \
    && python -m pip --python /opt/genai-exporter/bin/python install -c constraints.txt -r requirements.txt
COPY README.md LICENSE ./
COPY exporter exporter
RUN python -m pip --python /opt/genai-exporter/bin/python install --no-deps . \
    && /opt/genai-exporter/bin/python -m compileall -q /opt/genai-exporter/lib

FROM python:${PYTHON_VERSION}-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="genai-exporter" \
      org.opencontainers.image.description="OpenTelemetry GenAI spans in, Prometheus metrics out" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=build /opt/genai-exporter /opt/genai-exporter

# In a container the port mapping decides who may connect; outside one, the defaults listen on loopback only.
ENV PATH=/opt/genai-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    GENAI_EXPORTER_RECEIVER__HTTP__LISTEN=0.0.0.0:4318 \
    GENAI_EXPORTER_RECEIVER__GRPC__LISTEN=0.0.0.0:4317 \
    GENAI_EXPORTER_METRICS__LISTEN=0.0.0.0:9464

USER 65534:65534
WORKDIR /
EXPOSE 4317 4318 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; port = os.environ['GENAI_EXPORTER_METRICS__LISTEN'].rpartition(':')[2]; u.urlopen(f'http://127.0.0.1:{port}/-/healthy', timeout=2).read()"]
ENTRYPOINT ["genai-exporter"]
CMD ["serve"]
