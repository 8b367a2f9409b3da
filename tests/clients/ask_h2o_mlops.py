"""Asks a runtime as the scorer helper of h2o-mlops does, and prints what came of it as JSON.

Runs in an environment of its own: `python ask_h2o_mlops.py BASE_URL PASSPHRASE FILE…`. The helper is made
without the platform around it, which would only tell it the URLs.
"""

import json
import ssl
import sys
from types import SimpleNamespace
from typing import Any

from h2o_mlops import types
from h2o_mlops._deployments import MLOpsDeploymentScorer


def main(base: str, passphrase: str, *files: str) -> None:
    scorer = helper(base)
    told: dict[str, Any] = {
        "readiness": scorer.readiness(),
        "reachable": scorer.is_reachable(),
        "capabilities": scorer.capabilities(passphrase),
        "schema": scorer.schema(passphrase),
        "sample": scorer.sample_request(passphrase),
    }
    told["score"] = scorer.score(told["sample"], passphrase)
    told["without passphrase"] = status(lambda: scorer.score(told["sample"]))
    told["contributions"] = status(lambda: scorer.score_contributions(told["sample"], passphrase))
    if files:
        names = [file.rpartition("/")[2] for file in files]
        request = {"fields": ["image"], "rows": [[name] for name in names], "mediaFields": ["image"]}
        told["media"] = scorer.score_media(request, list(files), passphrase)
        request = {"scoreMediaRequest": {"fields": ["image"], "rows": [[names[0]]]}}
        told["media, wrapped"] = scorer.score_media(request, list(files), passphrase)
    print(json.dumps(told))


def helper(base: str) -> MLOpsDeploymentScorer:
    def uri(path: str) -> SimpleNamespace:
        return SimpleNamespace(uri=f"{base}/model/{path}")

    interface = SimpleNamespace(
        score=uri("score"), capabilities=uri("capabilities"), sample_request=uri("sample_request")
    )
    return MLOpsDeploymentScorer(
        SimpleNamespace(_ssl_context=ssl.create_default_context()),
        SimpleNamespace(scoring_interface=interface, name="d"),
        SimpleNamespace(security_type=types.SecurityType.DISABLED),
    )


def status(call: Any) -> Any:
    """What a call gives, or the status that it is refused with."""
    try:
        return call()
    except Exception as problem:  # noqa: BLE001 - the client's own classes, which differ by version
        return problem.response.status_code


main(*sys.argv[1:])
