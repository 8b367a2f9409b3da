"""Asks a runtime as h2o-mlops-scoring-client does, and prints what came of it as JSON.

Runs in an environment of its own: `python ask_scoring_client.py BASE_URL PASSPHRASE`.
"""

import json
import sys

import h2o_mlops_scoring_client as client
import pandas as pd


def main(base: str, passphrase: str) -> None:
    url = f"{base}/model/score"
    rows = pd.DataFrame({"ID": ["r1", "r2", "r3"], "x": ["1.5", "", "3"], "label": ["a", "b", None]})
    scored = client.score_data_frame(
        mlops_endpoint_url=url, id_column="ID", data_frame=rows, passphrase=passphrase
    )
    explained = client.score_data_frame(
        mlops_endpoint_url=url,
        id_column="ID",
        data_frame=rows,
        passphrase=passphrase,
        request_contributions=client.FeatureType.ORIGINAL,
    )
    told = {
        "schema": client.get_schema(url, passphrase),
        "scored": json.loads(scored.to_json(orient="split", index=False)),
        "explained": json.loads(explained.to_json(orient="split", index=False)),
    }
    print(json.dumps(told))


main(*sys.argv[1:])
