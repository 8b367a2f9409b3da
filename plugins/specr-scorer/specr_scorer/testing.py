"""A scorer API without a server, for the tests of model families. Never imported when serving."""

from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from specr_scorer.app import Application
from specr_scorer.model import Model
from specr_scorer.settings import Settings


@dataclass(frozen=True)
class Client:
    """Sends requests to a model through the application that `serve` would run.

    Answers are a status and the decoded JSON, or the text of a plain answer. A `model` of None is
    one that is still being loaded.
    """

    model: InitVar[Model | None] = None
    settings: Settings = field(default=Settings(model_path=Path("model"), model_id="m1"))
    app: Application = field(init=False)

    def __post_init__(self, model: Model | None) -> None:
        object.__setattr__(self, "app", Application(self.settings))
        if model is not None:
            self.app.install(model)

    def post(self, document: Any, path: str = "/model/score") -> tuple[int, Any]:
        """POST a JSON document."""
        answer = self.app.handle("POST", path, "", orjson.dumps(document))
        return answer.status, orjson.loads(answer.body)

    def get(self, path: str, query: str = "") -> tuple[int, Any]:
        """GET a path."""
        answer = self.app.handle("GET", path, query)
        is_json = answer.content_type == "application/json"
        return answer.status, orjson.loads(answer.body) if is_json else answer.body.decode()
