# specr/mlflow-runtime: serves MLflow models of the family scikit-learn, and whatever needs pandas and numpy alone.
# For another family, add what its models need:
#
#     FROM specr/mlflow-runtime:0.1.0
#     USER root
#     RUN python -m pip --python /opt/specr/bin/python install --no-cache-dir xgboost==3.1.1
#     USER 65532:65532
#
# Build it with the folder `plugins` as context: `make images`.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
RUN python -m venv --without-pip /opt/specr
COPY specr-mlflow/images/constraints.txt /build/
# Before the sources, so that a change of them does not fetch all this again.
RUN python -m pip --python /opt/specr/bin/python install --no-cache-dir --no-compile \
    --constraint /build/constraints.txt \
    pyyaml httptools orjson python-multipart uvloop mlflow-skinny numpy pandas scikit-learn cloudpickle
COPY specr-processor /build/specr-processor
COPY specr-scorer /build/specr-scorer
COPY specr-mlflow /build/specr-mlflow
RUN python -m pip --python /opt/specr/bin/python install --no-cache-dir --no-compile \
    --constraint /build/constraints.txt /build/specr-processor /build/specr-scorer /build/specr-mlflow
# Tests of the libraries are a fifth of the image and serve nobody in it.
RUN find /opt/specr/lib -type d -name tests -path '*/site-packages/*' -prune -exec rm -rf {} +
# The root of a container is read-only, so what is not compiled here never is; by hash, so that times don't matter.
RUN /opt/specr/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/specr/lib

FROM ${BASE}
ENV PATH=/opt/specr/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MLFLOW_DISABLE_TELEMETRY=true
COPY --from=build /opt/specr /opt/specr
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
CMD ["python", "-m", "specr_mlflow.runtime"]
