# specr as it stands in this checkout, as it would run in a pipeline inside the cluster.
# The context holds specr's package and what describes it.
FROM python:3.11-slim
RUN python -m venv /opt/specr
# What it needs, and its commands, before what changes.
COPY pyproject.toml README.md LICENSE /build/
RUN mkdir /build/specr && touch /build/specr/__init__.py && \
    /opt/specr/bin/pip install --quiet --no-cache-dir '/build[kubernetes]'
COPY specr /opt/specr/lib/python3.11/site-packages/specr
USER 65532:65532
ENV PATH=/opt/specr/bin:$PATH HOME=/tmp
