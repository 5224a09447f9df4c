"""What every request passes: its number, the key, the limits, one line of log, and no surprise."""

import asyncio
import logging
import re
from datetime import UTC, datetime
from secrets import token_hex
from time import perf_counter, time_ns

from fastapi import Response
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..settings.params import Serving
from ..visible import escaped
from .keys import Keys
from .metrics import Metrics
from .rate import Rate
from .schema import RefusedError
from .unanswered import Unanswered

KEYED = ("/predict", "/model")
PROBES = ("/health", "/ready")
PATHS = (*KEYED, "/", "/health", "/ready", "/metrics", "/openapi.json", "/docs")
NUMBER = re.compile(rb"[\w.-]{1,64}", re.ASCII)
JSON_TYPE = re.compile(rb"application/(\w[\w.+-]*\+)?json\s*(;.*)?", re.IGNORECASE)
GONE = 499  # the client left before it was answered
HEADERS = {
    401: {"www-authenticate": "ApiKey"},
    408: {"connection": "close"},
    429: {"retry-after": "1"},
}

logger = logging.getLogger("factory")


class Entrance:
    """The outermost layer. What is asked most goes straight to `predict`, not through `app`."""

    def __init__(
        self, app: ASGIApp, predict: ASGIApp, metrics: Metrics, unanswered: Unanswered,
        keys: Keys, rate: Rate,
    ) -> None:  # fmt: skip
        self.app, self.predict, self.metrics, self.unanswered = app, predict, metrics, unanswered
        self.keys, self.rate = keys, rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, headers, who = perf_counter(), GONE, dict(scope["headers"]), ""
        header = headers.get(b"x-request-id", b"")
        number = header.decode() if NUMBER.fullmatch(header) else new_number()
        scope["request_id"], path, key = number, scope["path"], headers.get(b"x-api-key", b"")
        short = path == "/predict" and scope["method"] == "POST"

        async def send_with_number(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
            await send(message)

        try:
            if path not in PROBES:
                self.rate.count(scope["client"][0] if scope.get("client") else "")
            if self.keys and path in KEYED:
                who = self.keys.name(key)
            scope["key"] = who
            await (self.predict if short else self.app)(scope, receive, send_with_number)
        except RefusedError as refused:
            if short:
                self.unanswered.count(refused, is_known=self.keys.know(key))
            await refusal(refused, number)(scope, receive, send_with_number)
        except ClientDisconnect:
            status = GONE
        except Exception:
            logger.exception("a request failed", extra={"fields": {"request_id": number}})
            if status == GONE:
                error = RefusedError(500, "the service failed; its log says why")
                error.rows = scope.get("rows", 1)
                if short:
                    self.unanswered.count(error, is_known=True)
                await refusal(error, number)(scope, receive, send_with_number)
        finally:
            seconds = perf_counter() - start
            self.metrics.request(path if path in PATHS else "other", status, seconds)
            entry = {"request_id": number, "method": scope["method"], "path": path}
            entry |= {"status": status, "ms": round(1000 * seconds, 3)}
            entry |= {"key": who} if who else {}
            logger.info("request", extra={"fields": entry})


def new_number() -> str:
    """A number that no other request has. Later ones sort after: the log's key grows at its end."""
    return f"{time_ns():016x}{token_hex(8)}"


def refusal(error: RefusedError, number: str) -> Response:
    """The answer to a request that is refused."""
    body = to_json({"request_id": number, "detail": error.cases})
    headers = HEADERS.get(error.status)
    return Response(body, error.status, headers, media_type="application/json")


async def read_body(scope: Scope, receive: Receive, settings: Serving) -> bytes:
    """The body, if it is JSON, not too large, and not too slow to come."""
    headers, body, more = dict(scope["headers"]), b"", True
    if not JSON_TYPE.fullmatch(headers.get(b"content-type", b"")):
        raise RefusedError(415, "the content type is not application/json")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise RefusedError(415, "the body is compressed: send it as it is")
    size = int(headers.get(b"content-length", 0))
    try:
        async with asyncio.timeout(settings.timeout):
            while more and max(size, len(body)) <= settings.max_body:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body += message.get("body", b"")
                more = message.get("more_body", False)
    except TimeoutError:
        rule = f"the body did not come within {settings.timeout:g} seconds"
        raise RefusedError(408, rule) from None
    if max(size, len(body)) > settings.max_body:
        raise RefusedError(413, f"the body has more than {settings.max_body:,} bytes")
    return body


class Lines(logging.Formatter):
    """Log records as lines of JSON, in which nothing steers a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One object on one line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"time": moment, "level": record.levelname.lower(), "message": record.getMessage()}
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return escaped(to_json(entry).decode())
