# specr/dai-processor: checks Driverless AI pipelines; loads none, so holds neither Java nor any library of theirs.
# Build it with the folder `plugins` as context: `make images`.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
RUN python -m venv --without-pip /opt/specr
COPY specr-processor /build/specr-processor
COPY specr-dai /build/specr-dai
# Without what it requires: the scorer is the runtime's.
RUN python -m pip --python /opt/specr/bin/python install --no-cache-dir --no-compile --no-deps \
    /build/specr-processor /build/specr-dai
# The root of a container is read-only, so what is not compiled here never is; by hash, so that times don't matter.
RUN /opt/specr/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/specr/lib

FROM ${BASE}
ENV PATH=/opt/specr/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/specr /opt/specr
USER 65532:65532
WORKDIR /tmp
CMD ["python", "-m", "specr_dai.processor"]
