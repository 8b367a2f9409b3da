"""Routes, answers and errors of the scorer API, apart from any server.

`admit` decides what a request is from its head alone and is cheap enough for the event loop;
`answer` does the work and runs in a worker thread. Neither raises and neither shows a
traceback: whatever happens becomes a status and, for an error, `{"detail": "..."}`.
"""

import hmac
from collections.abc import Callable
from urllib.parse import parse_qs

from specr_scorer.answers import OutputError, contribution_document, score_document
from specr_scorer.model import ContributesOriginal, InputError, Model, ScoresMedia
from specr_scorer.openapi import openapi_document
from specr_scorer.requests import RequestError, ScoreRequest
from specr_scorer.responses import (
    NOTHING,
    TEXT,
    BodyLimit,
    Content,
    Job,
    Response,
    document,
    error,
    log_failure,
    one_line,
    too_large,
)
from specr_scorer.served import Served, describe
from specr_scorer.settings import Settings
from specr_scorer.tables import load_table


class Application:
    """The scorer API for one model: not ready until `install`, not ready again after `retire`.

    All methods may be called from several threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._served: Served | None = None
        self._retired = False
        self._passphrase = None if settings.passphrase is None else settings.passphrase.encode()
        self._openapi: Response | None = None
        self._limit = BodyLimit(settings.max_request_bytes, "SPECR_MAX_REQUEST_BYTES")
        self._media_limit = BodyLimit(settings.max_media_bytes, "SPECR_MAX_MEDIA_BYTES")
        self._routes: dict[str, dict[str, Response | Callable[[], Response | Job]]] = {
            "/readyz": {"GET": self._readiness},
            "/openapi.json": {"GET": self._show_openapi},
            "/model/id": {"GET": Response(200, settings.model_id.encode(errors="replace"), TEXT)},
            "/model/schema": {"GET": lambda: self._loaded(lambda served: served.schema_answer)},
            "/model/sample_request": {"GET": lambda: self._loaded(lambda served: served.sample_answer)},
            "/model/capabilities": {"GET": lambda: self._loaded(lambda served: served.capabilities)},
            "/model/score": {
                "GET": lambda: self._loaded(lambda _: Job(self._score_file)),
                "POST": lambda: self._loaded(lambda _: Job(self._score, self._limit)),
            },
            "/model/contribution": {"POST": lambda: self._loaded(self._admit_contribution)},
            "/model/media-score": {"POST": lambda: self._loaded(self._admit_media)},
        }

    def install(self, model: Model | ScoresMedia) -> None:
        """Take the loaded model into service.

        Raises:
            LoadError: its schema, or what it says of itself, can't be served.
        """
        self._served = describe(model, self._settings.model_id)

    @property
    def retired(self) -> bool:
        """Whether `retire` was called."""
        return self._retired

    def retire(self) -> None:
        """Answer /readyz with 503 from now on; requests that come all the same are still served."""
        self._retired = True

    def admit(
        self, method: str, path: str, authorization: str | None = None, length: int | None = None
    ) -> Response | Job:
        """Decide by the head of a request: its answer, or the job that makes one.

        Args:
            method: the HTTP method.
            path: the path, percent-decoded.
            authorization: the header's value.
            length: the Content-Length, None where there is none.
        """
        route = self._find_route(path)
        if self._passphrase is not None and route is not self._routes["/readyz"]:
            refusal = self._check_passphrase(self._passphrase, authorization)
            if refusal is not None:
                return refusal
        if route is None:
            return error(404, "There is nothing at this path; the scorer API is at /model/…")
        found = route.get(method)
        if found is None:
            allowed = ", ".join(route)
            return error(405, f"This path answers {allowed} only.", ("allow", allowed))
        decided = found if isinstance(found, Response) else found()
        if isinstance(decided, Job) and decided.limit is not None and (length or 0) > decided.limit.size:
            return too_large(decided.limit)
        return decided

    def answer(self, job: Job, content: Content) -> Response:
        """Do an admitted request's work."""
        try:
            return job.run(content)
        except RequestError as problem:
            return error(problem.status, problem.detail)
        except Exception as bug:  # noqa: BLE001 - the last stop before the client
            log_failure(bug)
            return error(500, f"The scorer failed: {one_line(bug)}")

    def handle(
        self, method: str, path: str, content: Content = NOTHING, authorization: str | None = None
    ) -> Response:
        """Answer a whole request at once, in this thread, as a server would in two steps."""
        decided = self.admit(method, path, authorization, len(content.body))
        return decided if isinstance(decided, Response) else self.answer(decided, content)

    def _find_route(self, path: str) -> dict[str, Response | Callable[[], Response | Job]] | None:
        route = self._routes.get(path)
        if route is None:
            prefix = f"/{self._settings.model_id}/"
            if path.startswith(prefix):
                route = self._routes.get(path[len(prefix) - 1 :])
        return route

    @staticmethod
    def _check_passphrase(passphrase: bytes, authorization: str | None) -> Response | None:
        scheme, _, given = (authorization or "").partition(" ")
        encoded = given.strip().encode(errors="surrogatepass")
        if scheme.lower() == "bearer" and hmac.compare_digest(encoded, passphrase):
            return None
        detail = "This deployment asks for a passphrase: send the header Authorization: Bearer <passphrase>."
        return error(401, detail, ("www-authenticate", "Bearer"))

    def _readiness(self) -> Response:
        if self._retired:
            return error(503, "The runtime is stopping.")
        if self._served is None:
            return error(503, "The model is still being loaded.")
        return Response(200, b"Ready", TEXT)

    def _loaded(self, show: Callable[[Served], Response | Job]) -> Response | Job:
        if self._served is None:
            return error(503, "The model is still being loaded.")
        return show(self._served)

    def _show_openapi(self) -> Response:
        if self._openapi is None:
            self._openapi = document(openapi_document())
        return self._openapi

    def _admit_media(self, served: Served) -> Response | Job:
        if not served.schema.media:
            return error(501, "This model takes no media files.")
        return Job(self._score_media, self._media_limit)

    def _admit_contribution(self, served: Served) -> Response | Job:
        if served.explainer is None:
            return error(501, "This model gives no contributions (Shapley values).")
        return Job(self._contribute, self._limit)

    def _require(self) -> Served:
        if self._served is None:
            raise RequestError("The model is still being loaded.", status=503)
        return self._served

    def _score(self, content: Content) -> Response:
        served = self._require()
        return self._answer_scores(served, served.reader.read(content.body))

    def _score_media(self, content: Content) -> Response:
        served = self._require()
        # its library takes a tenth of a second, which only models with files have to spend
        from specr_scorer.multipart import read_form  # noqa: PLC0415

        form = read_form(content.body, content.content_type, self._settings.max_media_files)
        return self._answer_scores(served, served.reader.read(form.request, form.files))

    def _score_file(self, content: Content) -> Response:
        served = self._require()
        folder = self._settings.score_folder
        if folder is None:
            raise RequestError(
                "Scoring files on the runtime's disk is off; SPECR_SCORE_DIR names the folder to allow.", 501
            )
        try:
            names = parse_qs(content.query, keep_blank_values=True, max_num_fields=100).get("file", [])
        except ValueError:
            names = []
        if len(names) != 1 or not names[0]:
            raise RequestError("Name one CSV file in the scoring folder: /model/score?file=PATH.")
        fields, rows, lines = load_table(folder, names[0], self._settings.max_csv_bytes)
        return self._answer_scores(served, served.reader.read_table(fields, rows, lines))

    def _answer_scores(self, served: Served, request: ScoreRequest) -> Response:
        explain = None if request.shapley is None else _contributor(served, request.shapley)
        try:
            frame = request.frame
            predicted = (
                served.predict(frame, request.media)
                if frame.rows
                else {f.name: [] for f in served.schema.outputs}
            )
            answer = score_document(self._settings.model_id, served.schema, request, predicted)
            if explain is not None:
                answer["featureShapleyContributions"] = contribution_document(
                    explain.contributions(frame), frame.rows
                )
            return document(answer)
        except BaseException as failure:  # noqa: BLE001 - model code, which may even call sys.exit
            return _model_failure(failure)

    def _contribute(self, content: Content) -> Response:
        served = self._require()
        request = served.reader.read(content.body)
        explain = _contributor(served, request.shapley or "ORIGINAL")
        try:
            contributions = explain.contributions(request.frame)
            return document(
                {"id": self._settings.model_id, **contribution_document(contributions, request.frame.rows)}
            )
        except BaseException as failure:  # noqa: BLE001 - model code, which may even call sys.exit
            return _model_failure(failure)


def _model_failure(failure: BaseException) -> Response:
    if isinstance(failure, InputError):
        return error(400, one_line(failure).partition(": ")[2])
    if isinstance(failure, OutputError):
        return error(500, f"The model broke its own schema: {one_line(failure)}")
    log_failure(failure)
    return error(500, f"The model failed: {one_line(failure)}")


def _contributor(served: Served, kind: str) -> ContributesOriginal:
    if kind == "ORIGINAL" and served.explainer is not None:
        return served.explainer
    raise RequestError(f"This model gives no {kind} contributions (Shapley values).", status=501)
