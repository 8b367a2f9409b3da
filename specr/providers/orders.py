"""Orders as JSON: what providers that keep their own records write down, and read back.

Secrets are written as the references they are; their values are never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specr.address import parse_address
from specr.canonical import JsonObject
from specr.providers.protocol import BuildOrder, DeploymentOrder, Order
from specr.resources.base import DEFAULTS, NONE
from specr.resources.compute import Compute, Environment, SecretValue
from specr.resources.convert import convert
from specr.resources.deployment import GoldenRow


def encode_environment(env: Environment) -> dict[str, Any]:
    """Variables as specs write them: text, or `{valueFrom: …}`."""
    return {name: value if isinstance(value, str) else value.dump(omit=NONE) for name, value in env.items()}


def decode_environment(env: Mapping[str, Any]) -> Environment:
    """The inverse of `encode_environment`."""
    return {
        name: value if isinstance(value, str) else convert(value, SecretValue) for name, value in env.items()
    }


def encode_order(order: Order) -> dict[str, Any]:
    """An order as JSON; the inverse of `decode_order`."""
    shared = {
        "address": str(order.address),
        "token": order.token,
        "image": order.image,
        **({"imageId": order.image_id} if order.image_id else {}),
        "command": list(order.command),
        "env": encode_environment(order.env),
        "resources": order.resources.dump(omit=DEFAULTS),
    }
    if isinstance(order, BuildOrder):
        return {**shared, "kind": "build", "source": order.source, "timeout": order.timeout}
    return {
        **shared,
        "kind": "deployment",
        "model": order.model,
        "modelId": order.model_id,
        "replicas": order.replicas,
        "port": order.port,
        "readinessPath": order.readiness_path,
        "readinessTimeout": order.readiness_timeout,
        "labels": dict(order.labels),
        "schema": order.schema,
        "golden": [row.dump() for row in order.golden],
    }


def decode_order(data: JsonObject) -> Order:
    """An order from its JSON.

    Raises:
        ValueError: the JSON is not an order; KeyError where a part is missing.
    """
    shared: dict[str, Any] = {
        "address": parse_address(data["address"]),
        "token": data["token"],
        "image": data["image"],
        "image_id": data.get("imageId"),
        "command": tuple(data["command"]),
        "env": decode_environment(data["env"]),
        "resources": convert(data["resources"], Compute),
    }
    if data["kind"] == "build":
        return BuildOrder(**shared, source=data["source"], timeout=data["timeout"])
    return DeploymentOrder(
        **shared,
        model=data["model"],
        model_id=data["modelId"],
        replicas=data["replicas"],
        port=data["port"],
        readiness_path=data["readinessPath"],
        readiness_timeout=data["readinessTimeout"],
        labels=data["labels"],
        schema=data["schema"],
        golden=tuple(convert(row, GoldenRow) for row in data["golden"]),
    )
