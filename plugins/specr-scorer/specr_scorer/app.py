"""Routes, and what each admits, apart from any server.

`admit` decides what a request is from its head alone and is cheap enough for the event loop; what it
admits is a job for a worker. Neither raises and neither shows a traceback: whatever happens becomes a
status and, for an error, `{"detail": "..."}`.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from specr_scorer.metrics import CONTENT_TYPE, Metrics
from specr_scorer.model import Model, ScoresMedia
from specr_scorer.openapi import openapi_document
from specr_scorer.responses import NOTHING, TEXT, Content, Job, Response, document, error, too_large
from specr_scorer.scoring import Scoring
from specr_scorer.served import Served, describe
from specr_scorer.settings import Settings

Found = Response | Callable[[], Response | Job]
"""What a path has for a method: an answer that never changes, or the way to one."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the API, without the model's id before it, and what it has for each method."""

    path: str
    methods: Mapping[str, Found]

    def find(self, method: str) -> Found | None:
        """What there is for a method; HEAD is GET, whose answer is sent without its body (RFC 9110)."""
        return self.methods.get("GET" if method == "HEAD" else method)

    @property
    def allowed(self) -> str:
        """The methods that the path answers, as a list for people and clients."""
        return ", ".join(self.methods).replace("GET", "GET, HEAD")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model in service."""

    served: Served
    scoring: Scoring


class Application:
    """The scorer API for one model: not ready until `install`, not ready again after `retire`.

    All methods may be called from several threads.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self.metrics = Metrics(settings.model_id) if metrics is None else metrics
        self._settings = settings
        self._model: _Loaded | None = None
        self._retired = False
        self._overdue = 0
        self._passphrase = None if settings.passphrase is None else settings.passphrase.encode()
        self._openapi: Response | None = None
        self._routes = {path: Route(path, methods) for path, methods in self._table().items()}

    def _table(self) -> dict[str, dict[str, Found]]:
        return {
            "/readyz": {"GET": self._readiness},
            "/metrics": {"GET": self._show_metrics},
            "/openapi.json": {"GET": self._show_openapi},
            "/model/id": {"GET": Response(200, self._settings.model_id.encode(errors="replace"), TEXT)},
            "/model/schema": {"GET": lambda: self._loaded(lambda model: model.served.schema_answer)},
            "/model/sample_request": {"GET": lambda: self._loaded(lambda model: model.served.sample_answer)},
            "/model/capabilities": {"GET": lambda: self._loaded(lambda model: model.served.capabilities)},
            "/model/score": {
                "GET": lambda: self._loaded(lambda model: model.scoring.score_file),
                "POST": self._admit_score,
            },
            "/model/contribution": {"POST": lambda: self._loaded(_admit_contribution)},
            "/model/media-score": {"POST": lambda: self._loaded(_admit_media)},
        }

    def install(self, model: Model | ScoresMedia) -> Served:
        """Take the loaded model into service.

        Raises:
            LoadError: its schema, or what it says of itself, can't be served.
        """
        served = describe(model, self._settings)
        self._openapi = None  # it shows the model's sample from now on
        self._model = _Loaded(served, Scoring(served, self._settings, self.metrics))
        return served

    @property
    def retired(self) -> bool:
        """Whether `retire` was called."""
        return self._retired

    def retire(self) -> None:
        """Answer /readyz with 503 from now on; requests that come all the same are still served."""
        self._retired = True

    def set_overdue(self, count: int) -> None:
        """Take note of how many requests were given up and still occupy a worker: not ready above 0."""
        self._overdue = count
        self.metrics.overdue = count

    def find(self, path: str) -> Route | None:
        """The route of a path, percent-decoded, with or without the model's id before it."""
        route = self._routes.get(path)
        if route is None:
            prefix = f"/{self._settings.model_id}/"
            if path.startswith(prefix):
                route = self._routes.get(path[len(prefix) - 1 :])
        return route

    def admit(
        self,
        route: Route | None,
        method: str,
        authorization: str | None = None,
        length: int | None = None,
        encoding: str | None = None,
    ) -> Response | Job:
        """Decide by the head of a request: its answer, or the job that makes one.

        Args:
            route: what `find` found for its path.
            method: the HTTP method.
            authorization: the header's value.
            length: the Content-Length, None where there is none.
            encoding: the Content-Encoding, None where there is none.
        """
        if self._passphrase is not None and (route is None or route.path != "/readyz"):
            refusal = _check_passphrase(self._passphrase, authorization)
            if refusal is not None:
                return refusal
        if route is None:
            return error(404, "There is nothing at this path; /openapi.json tells what there is at /model/…")
        found = route.find(method)
        if found is None:
            return error(405, f"This path answers {route.allowed} only.", ("allow", route.allowed))
        decided = found if isinstance(found, Response) else found()
        if isinstance(decided, Job) and decided.limit is not None:
            if encoding is not None and encoding.lower() not in ("", "identity"):
                return _encoded(encoding)
            if (length or 0) > decided.limit.size:
                return too_large(decided.limit)
        return decided

    def handle(
        self, method: str, path: str, content: Content = NOTHING, authorization: str | None = None
    ) -> Response:
        """Answer a whole request at once, in this thread, as a server would in two steps."""
        decided = self.admit(self.find(path), method, authorization, len(content.body))
        return decided if isinstance(decided, Response) else decided.run(content)

    def _readiness(self) -> Response:
        if self._retired:
            return error(503, "The runtime is stopping.")
        if self._model is None:
            return error(503, "The model is still being loaded.")
        if self._overdue:
            return error(503, "Scoring takes longer than it may (SPECR_SCORE_TIMEOUT).")
        return Response(200, b"Ready", TEXT)

    def _loaded(self, show: Callable[[_Loaded], Response | Job]) -> Response | Job:
        if self._model is None:
            return error(503, "The model is still being loaded.")
        return show(self._model)

    def _admit_score(self) -> Response | Job:
        """The same as for the others, by a shorter way: this is the request that counts."""
        return (
            error(503, "The model is still being loaded.")
            if self._model is None
            else self._model.scoring.score
        )

    def _show_openapi(self) -> Response:
        if self._openapi is None:
            sample = None if self._model is None else self._model.served.sample
            self._openapi = document(openapi_document(sample, secured=self._passphrase is not None))
        return self._openapi

    def _show_metrics(self) -> Response:
        self.metrics.ready = self._readiness().status == 200
        return Response(200, self.metrics.render(), CONTENT_TYPE)


def _admit_media(model: _Loaded) -> Response | Job:
    if not model.served.schema.media:
        return error(501, "This model takes no media files.")
    return model.scoring.score_media


def _admit_contribution(model: _Loaded) -> Response | Job:
    if model.served.explainer is None:
        return error(501, "This model gives no contributions (Shapley values).")
    return model.scoring.contribute


def _encoded(encoding: str) -> Response:
    """The answer to a body that would have to be unpacked first, in no one knows how much memory."""
    detail = f"The body has the Content-Encoding {encoding[:40]}; it is taken as it is only, not compressed."
    return error(415, detail, ("accept-encoding", "identity"))


def _check_passphrase(passphrase: bytes, authorization: str | None) -> Response | None:
    scheme, _, given = (authorization or "").partition(" ")
    encoded = given.strip().encode(errors="surrogatepass")
    if scheme.lower() == "bearer" and hmac.compare_digest(encoded, passphrase):
        return None
    detail = "This deployment asks for a passphrase: send the header Authorization: Bearer <passphrase>."
    return error(401, detail, ("www-authenticate", "Bearer"))
