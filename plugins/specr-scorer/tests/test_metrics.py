"""The counts, read as Prometheus' own client library reads them."""

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from specr_scorer import DataType, Field
from specr_scorer.metrics import Metrics
from specr_scorer.testing import Client

A = Field("a", DataType.FLOAT64)


def read(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.render().decode())
    samples = [sample for family in families for sample in family.samples]
    read = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(read) == len(samples)
    return read


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return read(metrics)[f"specr_scorer_{name}", frozenset(labels.items())]


def test_requests_are_counted_by_route_method_and_status() -> None:
    metrics = Metrics("m1")
    for status, seconds in ((200, 0.003), (200, 0.2), (400, 100)):
        metrics.observe("/model/score", "POST", status, seconds, 5 if status == 200 else 0)
    score = {"route": "/model/score"}
    assert value(metrics, "requests_total", **score, method="POST", status="200") == 2
    assert value(metrics, "requests_total", **score, method="POST", status="400") == 1
    assert value(metrics, "rows_total") == 10
    buckets = {"0.0025": 0, "0.005": 1, "0.1": 1, "0.25": 2, "60.0": 2, "+Inf": 3}
    for bound, count in buckets.items():
        assert value(metrics, "request_seconds_bucket", **score, le=bound) == count
    assert value(metrics, "request_seconds_count", **score) == 3
    assert value(metrics, "request_seconds_sum", **score) == pytest.approx(100.203)


def test_every_family_has_its_kind_and_meaning() -> None:
    metrics = Metrics("m1")
    metrics.observe("/readyz", "GET", 200, 0.1, 0)
    metrics.load_seconds = 1.5
    families = {family.name: family for family in text_string_to_metric_families(metrics.render().decode())}
    assert {name: family.type for name, family in families.items()} == {
        "specr_scorer_requests": "counter",
        "specr_scorer_request_seconds": "histogram",
        "specr_scorer_in_flight": "gauge",
        "specr_scorer_rows": "counter",
        "specr_scorer_batch_requests": "histogram",
        "specr_scorer_batch_rows": "histogram",
        "specr_scorer_overdue": "gauge",
        "specr_scorer_ready": "gauge",
        "specr_scorer_model_load_seconds": "gauge",
        "specr_scorer_model_info": "gauge",
        "process_start_time_seconds": "gauge",
        "process_cpu_seconds": "counter",
        "process_resident_memory_bytes": "gauge",
    }
    assert all(family.documentation for family in families.values())
    assert value(metrics, "model_load_seconds") == 1.5


@pytest.mark.parametrize("model_id", ['a"b\\c\nd', "ü {}", "", "\\n"])
def test_any_id_is_a_label(model_id: str) -> None:
    assert value(Metrics(model_id), "model_info", id=model_id) == 1


def test_a_call_of_the_model_is_a_batch(echo: Callable[..., Client]) -> None:
    client = echo(A)
    client.post({"fields": ["a"], "rows": [["1"]] * 5})
    client.post({"fields": ["a"], "rows": []})
    metrics = client.app.metrics
    assert value(metrics, "batch_rows_sum") == 5
    assert value(metrics, "batch_requests_count") == 1


def test_metrics_are_a_path_of_the_api(echo: Callable[..., Any]) -> None:
    status, text = echo(A).get("/metrics")
    assert status == 200
    assert "specr_scorer_ready 1\n" in text
    assert 'specr_scorer_model_info{id="m1"} 1\n' in text
