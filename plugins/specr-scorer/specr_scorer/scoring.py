"""The work that admitted requests need: read, score, render. Knows of no route and no server.

Nothing here raises: whatever happens becomes a response. What goes wrong in a model is the
model's failure and is told as that; what goes wrong here is the scorer's.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qs

from specr_scorer.answers import (
    OutputError,
    Rendered,
    contribution_document,
    render_outputs,
    score_document,
)
from specr_scorer.batches import join_frames, split_columns, take_batches
from specr_scorer.messages import log_failure
from specr_scorer.metrics import Metrics
from specr_scorer.model import ContributesOriginal, InputError
from specr_scorer.requests import ScoreRequest
from specr_scorer.responses import (
    BodyLimit,
    Content,
    Job,
    RequestError,
    Response,
    document,
    error,
    failed,
    one_line,
)
from specr_scorer.served import Served
from specr_scorer.settings import Settings
from specr_scorer.tables import load_table

T = TypeVar("T")

_Predicted: TypeAlias = tuple[Rendered, dict[str, Any] | None]
"""The output columns of a request's rows, and their Shapley values where they are asked for."""

BATCH_ROWS: Final = 1024
"""The most rows of several requests that are scored as one frame."""


class Scoring:
    """Does the work of requests to one model. From several threads, if the model allows that."""

    def __init__(self, served: Served, settings: Settings, metrics: Metrics) -> None:
        self._served = served
        self._settings = settings
        self._metrics = metrics
        limit = BodyLimit(settings.max_request_bytes, "SPECR_MAX_REQUEST_BYTES")
        media_limit = BodyLimit(settings.max_media_bytes, "SPECR_MAX_MEDIA_BYTES")
        together = self._score_in_turn if served.predict_several is None else self._score_together
        self.score = Job(_guarded(self._score), limit, together, served.joins)
        self.score_media = Job(_guarded(self._score_media), media_limit)
        self.score_file = Job(_guarded(self._score_file))
        self.contribute = Job(_guarded(self._contribute), limit)

    def _score(self, content: Content) -> Response:
        return self._answer(self._served.reader.read(content.body))

    def _score_media(self, content: Content) -> Response:
        # its library takes a tenth of a second, which only models with files have to spend
        from specr_scorer.multipart import read_form  # noqa: PLC0415

        form = read_form(content.body, content.content_type, self._settings.max_media_files)
        return self._answer(self._served.reader.read(form.request, form.files))

    def _score_file(self, content: Content) -> Response:
        folder = self._settings.score_folder
        if folder is None:
            raise RequestError(
                "Rows are scored by POST; GET is for files on the runtime's disk, and is off here"
                " (SPECR_SCORE_DIR names the folder to allow).",
                501,
            )
        try:
            names = parse_qs(content.query, keep_blank_values=True, max_num_fields=100).get("file", [])
        except ValueError:
            names = []
        if len(names) != 1 or not names[0]:
            raise RequestError("Name one CSV file in the scoring folder: /model/score?file=PATH.")
        fields, rows, lines = load_table(folder, names[0], self._settings.max_csv_bytes)
        return self._answer(self._served.reader.read_table(fields, rows, lines))

    def _contribute(self, content: Content) -> Response:
        request = self._served.reader.read(content.body)
        explain = self._contributor(request.asked.shapley or "ORIGINAL")
        try:
            contributions = explain.contributions(request.frame)
            shown = contribution_document(contributions, request.frame.rows)
            return document({"id": self._settings.model_id, **shown})
        except BaseException as failure:  # noqa: BLE001 - model code, which may even call sys.exit
            return _model_failure(failure)

    def _answer(self, request: ScoreRequest) -> Response:
        """Score one request alone."""
        return self._shown(request, self._predicted(request))

    def _predicted(self, request: ScoreRequest) -> _Predicted | Response:
        """What the model says of one request's rows, or what went wrong."""
        frame = request.frame
        try:
            explain = None if request.asked.shapley is None else self._contributor(request.asked.shapley)
            outputs = self._outputs(request)
            if explain is None:
                return outputs, None
            return outputs, contribution_document(explain.contributions(frame), frame.rows)
        except RequestError as problem:
            return error(problem.status, problem.detail)
        except BaseException as failure:  # noqa: BLE001 - model code, which may even call sys.exit
            return _model_failure(failure)

    def _shown(self, request: ScoreRequest, predicted: _Predicted | Response) -> Response:
        if isinstance(predicted, Response):
            return predicted
        try:
            return self._scored(request, *predicted)
        except Exception as failure:  # noqa: BLE001 - text that can't be sent, say
            return _model_failure(failure)

    def _outputs(self, request: ScoreRequest) -> Rendered:
        frame, schema = request.frame, self._served.schema
        if not frame.rows:
            return [[] for _ in schema.outputs]
        predicted = self._served.predict(frame, request.media)
        self._metrics.observe_batch(1, frame.rows)
        return render_outputs(schema, predicted, frame.rows)

    def _score_together(self, contents: Sequence[Content]) -> list[Response]:
        """Score several requests by one call of the model, as far as that may be."""
        read = [self._read(content) for content in contents]
        requests = [item for item in read if isinstance(item, ScoreRequest)]
        batches = take_batches(requests, BATCH_ROWS)
        scored = iter([answer for batch in batches for answer in self._answer_batch(batch)])
        return [item if isinstance(item, Response) else next(scored) for item in read]

    def _score_in_turn(self, contents: Sequence[Content]) -> list[Response]:
        """Score several requests one by one, but read all of them first and write all answers last.

        The same work a third faster: what a step needs is in the processor's caches from the second on.
        """
        read = [self._read(content) for content in contents]
        predicted = [item if isinstance(item, Response) else self._predicted(item) for item in read]
        return [
            item if isinstance(item, Response) else self._shown(item, prediction)
            for item, prediction in zip(read, predicted, strict=True)
        ]

    def _answer_batch(self, batch: Sequence[ScoreRequest]) -> list[Response]:
        if len(batch) == 1:
            return [self._answer(batch[0])]
        predict = self._served.predict_several
        assert predict is not None
        counts = [request.frame.rows for request in batch]
        frame = join_frames([request.frame for request in batch])
        try:
            predicted = predict(frame, counts)
            outputs = render_outputs(self._served.schema, predicted, frame.rows)
            parts = split_columns(outputs, counts)
            answers = [self._scored(request, part) for request, part in zip(batch, parts, strict=True)]
        except BaseException:  # noqa: BLE001 - whose failure it is shows when each is scored alone
            return [self._answer(request) for request in batch]
        self._metrics.observe_batch(len(batch), frame.rows)
        return answers

    def _scored(
        self, request: ScoreRequest, outputs: Rendered, contributions: dict[str, Any] | None = None
    ) -> Response:
        body = score_document(self._settings.model_id, request, outputs, contributions)
        return Response(200, body, rows=request.frame.rows)

    def _read(self, content: Content) -> ScoreRequest | Response:
        try:
            return self._served.reader.read(content.body)
        except RequestError as problem:
            return error(problem.status, problem.detail)
        except Exception as bug:  # noqa: BLE001 - the last stop before the client
            return failed(bug)

    def _contributor(self, kind: str) -> ContributesOriginal:
        if kind == "ORIGINAL" and self._served.explainer is not None:
            return self._served.explainer
        raise RequestError(f"This model gives no {kind} contributions (Shapley values).", status=501)


def _guarded(run: Callable[[T], Response]) -> Callable[[T], Response]:
    """The same, but with a response for whatever it raises."""

    def guarded(argument: T) -> Response:
        try:
            return run(argument)
        except RequestError as problem:
            return error(problem.status, problem.detail)
        except Exception as bug:  # noqa: BLE001 - the last stop before the client
            return failed(bug)

    return guarded


def _model_failure(failure: BaseException) -> Response:
    if isinstance(failure, InputError):
        return error(400, one_line(failure).partition(": ")[2])
    if isinstance(failure, OutputError):
        return error(500, f"The model broke its own schema: {one_line(failure)}")
    log_failure(failure)
    return error(500, f"The model failed: {one_line(failure)}")
