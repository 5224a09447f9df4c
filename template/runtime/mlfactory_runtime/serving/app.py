"""The service: its endpoints, and what each prediction hands on."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic_core import to_json
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import FactoryError
from ..log.service import Log, open_log
from ..log.veil import Record
from ..predict.scorer import Scorer, open_scorer
from ..project import EVALUATION, Estimator, Project
from ..records.evaluation import Evaluation
from ..records.record import read
from ..settings.availability import check_catalog
from ..settings.params import Serving
from . import openapi
from .keys import Keys
from .metrics import Metrics
from .parent import follow_workers_parent
from .protocol import UNANSWERED
from .rate import Rate
from .requests import Entrance, read_body
from .schema import Parser, RefusedError, Row, example, inputs, parser
from .scoring import Encode, encoder, score
from .staying import stays
from .unanswered import Unanswered

ROOT_ENV, MODEL_ENV = "FACTORY_ROOT", "FACTORY_MODEL"  # for the processes that answer
READY_ENV = "FACTORY_READY"  # a folder in which each process that answers leaves a file
INLINE = 20  # so many rows are scored faster than a thread is asked to
ABOUT = (
    "Fields, types, ranges and values follow from the feature catalog. What is missing is null. "
    "A row that breaks the contract is answered with the field and the rule."
)
PAGE = Path(__file__).with_name("docs.html")
POLICY = (
    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)


@dataclass(frozen=True)
class Service:
    """All that answers need, made once."""

    scorer: Scorer
    parser: Parser
    encode: Encode
    metrics: Metrics
    settings: Serving
    sample: Row  # what the example of a row is answered; empty where none is

    def predict(self, rows: list[Row], log: Log, number: str, explain: int, key: str) -> list[Row]:
        """An answer for each row, counted and handed to the log; `key` names whoever asked."""
        x, answers = score(rows, self.scorer, self.encode, explain)
        self.metrics.count_answers(x, answers)
        log.put(records(number, self.scorer, rows, answers), key)
        return with_names(rows, answers, self.parser)


@dataclass(frozen=True)
class Predict:
    """`POST /predict`, without what FastAPI does at each request."""

    service: Service
    log: Log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = self.service
        predictions = await self.predictions(scope, receive)
        service.metrics.log_dropped(self.log.dropped)
        content = {"request_id": scope["request_id"], "model": service.scorer.version}
        await answer(content | {"predictions": predictions})(scope, receive, send)

    async def predictions(self, scope: Scope, receive: Receive) -> list[Row]:
        """An answer for each row of the request. Raises RefusedError."""
        service = self.service
        explain = explanation(scope, service.scorer.project.estimator)
        rows = service.parser.read(await read_body(scope, receive, service.settings))
        scope["rows"] = len(rows)
        work = (rows, self.log, scope["request_id"], explain, scope["key"])
        try:
            if len(rows) > INLINE:
                return await asyncio.to_thread(service.predict, *work)
            return service.predict(*work)
        except RefusedError as refused:
            refused.rows = len(rows)
            raise


def create() -> ASGIApp:
    """The application, for the factory and the model that the environment names."""
    project = Project.find(Path(os.environ.get(ROOT_ENV) or Path.cwd()))
    service = make_service(project, Path(os.environ.get(MODEL_ENV) or project.model_folder))
    log = open_log(service.scorer.params, service.scorer.catalog, service.scorer.signature)
    keys, rate = Keys(service.settings), Rate(service.settings.max_rate)
    unanswered = Unanswered(service.metrics, log, service.scorer.version)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Unanswered]]:
        follow_workers_parent()
        if place := os.environ.get(READY_ENV):
            (Path(place) / str(os.getpid())).touch()
        yield {UNANSWERED: unanswered}
        log.close()

    signature = service.scorer.signature
    app = FastAPI(
        title=f"Predictions of {signature.target}",
        version=service.scorer.version,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # that would send on to whichever host a client names
        lifespan=lifespan,
    )
    add_routes(app, service, log)
    openapi.complete(app, service.parser, service.scorer, service.sample, keyed=bool(keys))
    return Entrance(app, Predict(service, log), service.metrics, unanswered, keys, rate)


def make_service(project: Project, folder: Path) -> Service:
    """Load the model and try it once. FactoryError where it cannot be served as things stand."""
    scorer = open_scorer(project, folder)
    params, catalog, signature = scorer.params, scorer.catalog, scorer.signature
    if params.serving.mode != "online":
        raise FactoryError("serving.mode in params.yaml is batch", "set it to online: dvc repro")
    if errors := [f for f in check_catalog(catalog, params) if f.level == "error"]:
        raise FactoryError(f"{errors[0].feature}: {errors[0].message}", errors[0].remedy)
    features = catalog.features(params)
    if absent := [one.name for one in signature.features if one.name not in features]:
        raise FactoryError(f"the catalog lacks {absent[0]!r}, which the model needs", "dvc repro")
    columns = inputs(catalog, params, signature)
    reader, encode = parser(columns, params.serving.max_rows), encoder(scorer, columns)
    sample: Row = {}
    with suppress(RefusedError):
        rows = reader.read(to_json({name: example(one) for name, one in columns.items()}))
        sample = with_names(rows, score(rows, scorer, encode)[1], reader)[0]
    metrics = Metrics(signature, scorer.version)
    return Service(scorer, reader, encode, metrics, params.serving, sample)


def with_names(rows: list[Row], answers: list[Row], reader: Parser) -> list[Row]:
    """Each answer with the identifiers that its row came with."""
    return [
        {name: row[name] for name in reader.identifiers if name in row} | one
        for row, one in zip(rows, answers, strict=True)
    ]


def add_routes(app: FastAPI, service: Service, log: Log) -> None:
    """The endpoints; openapi.yaml says the rest of them."""
    app.add_route("/predict", Predict(service, log), methods=["POST"])  # type: ignore[arg-type]

    @app.get("/health")
    async def health() -> Response:
        """The process answers."""
        return answer({"status": "ok"})

    @app.get("/ready")
    async def ready() -> Response:
        """The model is loaded, and it answers."""
        more = {"renewal": "failing"} if stays() else {}
        return answer({"status": "ready", "model": service.scorer.version, **more})

    @app.get("/model")
    async def model() -> Response:
        """The model by its hashes, and how good it is."""
        return answer(describe(service.scorer))

    @app.get("/metrics")
    async def metrics() -> Response:
        """Requests, latency, predictions, missing and unseen values, for Prometheus."""
        return Response(service.metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    @app.get("/", include_in_schema=False)
    async def start() -> Response:
        return RedirectResponse("docs", 307)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        headers = {"content-security-policy": POLICY}
        return Response(PAGE.read_bytes(), media_type="text/html", headers=headers)


def answer(content: Row) -> Response:
    """A response in JSON; every float is written so that it reads back to the last bit."""
    return Response(to_json(content, inf_nan_mode="null"), media_type="application/json")


def explanation(scope: Scope, estimator: Estimator) -> int:
    """How many features are to be named for each row."""
    query = QueryParams(scope["query_string"]) if scope["query_string"] else {}
    count = query.get("explain", "0")
    if not (count.isascii() and count.isdigit() and len(count) <= 3):
        raise RefusedError(422, "is no number from 0 to 999", field="explain")
    if int(count) and estimator.contributions is None:
        raise RefusedError(422, "is not possible: model.py has no `contributions`", field="explain")
    return int(count)


def records(number: str, scorer: Scorer, rows: list[Row], answers: list[Row]) -> list[Record]:
    """What the prediction log is given of a request."""
    now, name, entries = datetime.now(UTC), scorer.params.data.id or "", []
    for place, (row, predicted) in enumerate(zip(rows, answers, strict=True)):
        entity, shares = row.get(name), predicted.get("probabilities") or {}
        entity = None if entity is None else str(entity)
        one = (number, place, entity, scorer.version, now, row, predicted["prediction"], shares)
        entries.append(Record(*one))
    return entries


def describe(scorer: Scorer) -> Row:
    """The model by its hashes; the metrics only where the last evaluation is this model's."""
    signature = scorer.signature
    evaluation = read(Evaluation, scorer.project.root / EVALUATION)
    metrics = coverage = None
    if evaluation and evaluation.provenance == signature.provenance:
        metrics = {name: asdict(one) for name, one in evaluation.models["model"].items()}
        coverage = evaluation.coverage
    fields = {"task", "target", "classes", "threshold", "provenance"}
    return {
        "version": scorer.version,
        **signature.model_dump(mode="json", include=fields),
        "features": [feature.name for feature in signature.features],
        "data": signature.provenance.get("data"),
        "template": signature.provenance.get("template"),
        "metrics": metrics,
        "coverage": coverage.model_dump() if coverage else None,
    }
