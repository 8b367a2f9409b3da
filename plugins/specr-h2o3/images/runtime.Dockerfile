# specr/h2o3-runtime: serves H2O-3 MOJOs with genmodel, in the system's Java (17 or newer).
# Build it with the folder `plugins` as context: `make images`.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
RUN python -m venv --without-pip /opt/specr
COPY specr-h2o3/images/constraints.txt /build/
# Before the sources, so that a change of them does not fetch all this again. Of h2o (Apache-2.0, 280 MB) only
# genmodel is kept, 5 MB, with the licence that lies in it.
RUN python -m pip install --no-cache-dir --no-compile --no-deps --target /build/h2o \
    --constraint /build/constraints.txt h2o \
 && mkdir /opt/genmodel \
 && python -c "import zipfile as z; \
    z.ZipFile('/build/h2o/h2o/backend/bin/h2o.jar').extract('www/3/h2o-genmodel.jar', '/build/jar'); \
    z.ZipFile('/build/jar/www/3/h2o-genmodel.jar').extract('META-INF/LICENSE.txt', '/opt/genmodel')" \
 && mv /build/jar/www/3/h2o-genmodel.jar /opt/genmodel/ && rm -r /build/h2o
RUN python -m pip --python /opt/specr/bin/python install --no-cache-dir --no-compile \
    --constraint /build/constraints.txt httptools orjson python-multipart uvloop JPype1
COPY specr-processor /build/specr-processor
COPY specr-scorer /build/specr-scorer
COPY specr-h2o3 /build/specr-h2o3
RUN python -m pip --python /opt/specr/bin/python install --no-cache-dir --no-compile \
    --constraint /build/constraints.txt /build/specr-processor /build/specr-scorer /build/specr-h2o3
# The root of a container is read-only, so what is not compiled here never is; by hash, so that times don't matter.
RUN /opt/specr/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/specr/lib

FROM ${BASE}
# The manual pages' folder is missing in slim images, and Java's package stops without it.
RUN mkdir -p /usr/share/man/man1 && apt-get update \
 && apt-get install -y --no-install-recommends default-jre-headless && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/specr/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SPECR_GENMODEL_JAR=/opt/genmodel/h2o-genmodel.jar
COPY --from=build /opt/genmodel /opt/genmodel
COPY --from=build /opt/specr /opt/specr
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
CMD ["python", "-m", "specr_h2o3.runtime"]
