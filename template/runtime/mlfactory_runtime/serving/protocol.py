"""HTTP on a connection, with what uvicorn leaves open: how long and how large a request may be."""

import logging
from asyncio import TimerHandle, Transport
from contextlib import suppress
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .schema import RefusedError

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

HEAD = 65_536  # bytes of a request line with all headers, or of what stands around a body
FRAMES = 16  # bytes around each byte of a body that comes in the smallest chunks
PACE = 16_384  # bytes that a client has to read in the time that is waited for it
LINGER = 2  # seconds in which a client may still read why it was refused
LATE = 2  # seconds in which a client that has come before the end may ask
UNANSWERED = "unanswered"  # the name in the state of the application
REASONS = {431: "Request Header Fields Too Large", 503: "Service Unavailable"}

logger = logging.getLogger("factory")


class Careful(HttpToolsProtocol):
    """Closes a connection on which the head of a request does not come, or does not end, or whose
    answers nobody reads.
    """

    def __init__(self, *args: Any, patience: float, most: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patience, self.most = patience, most
        self.waiting: TimerHandle | None = None
        self.unread: TimerHandle | None = None
        self.backlog = 0  # bytes that are still to be read when this timer begins
        self.running: RequestResponseCycle | None = None  # others may wait for its answer
        self.in_head, self.is_refused, self.is_last = True, False, False
        self.has_ended = False
        self.head = self.volume = self.payload = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        with suppress(OSError, AttributeError):  # asyncio does not where a socket was handed on
            transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.waiting = self.loop.call_later(self.patience, self.leave)
        if len(self.connections) > self.most:
            self.refuse(503, f"there are more than {self.most:,} connections")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self.waiting, self.unread):
            if timer:
                timer.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.unread and not self.transport.is_closing():
            self.unread.cancel()

    def leave(self) -> None:
        """Close when all is sent; who does not read it is not waited for."""
        self.transport.close()
        self.wait_for_reader()

    def wait_for_reader(self) -> None:
        """Wait for a client that has not read all that is for it, as long as it goes on."""
        if self.unread:
            self.unread.cancel()
        self.backlog = self.transport.get_write_buffer_size()
        self.unread = self.loop.call_later(self.patience, self.give_up)

    def give_up(self) -> None:
        """Let go of a client that hardly reads, and of all that is still for it."""
        if self.backlog - self.transport.get_write_buffer_size() >= PACE:
            self.wait_for_reader()
            return
        fields = {"client": self.client[0] if self.client else ""}
        logger.warning("a client that reads no answer is left", extra={"fields": fields})
        self.transport.abort()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self.leave()

    def timeout_keep_alive_handler(self) -> None:
        self.leave()

    def data_received(self, data: bytes) -> None:
        if self.is_refused:
            return  # read and let go, so that the answer arrives
        room = HEAD - self.head if self.in_head else len(data)
        self.feed(data[:room])
        if rest := data[room:]:
            if self.in_head and self.head >= HEAD:
                self.refuse(431, f"a request has more than {HEAD:,} bytes before its body")
            elif not self.transport.is_closing():
                self.feed(rest)

    def feed(self, data: bytes) -> None:
        """Hand bytes on, and count those that are of no body."""
        was_in_head, self.has_ended = self.in_head, False
        self.volume = 0 if was_in_head else self.volume
        super().data_received(data)
        if self.in_head:
            is_same = was_in_head and not self.has_ended
            self.head = self.head + len(data) if is_same else 0
        elif not was_in_head:
            self.volume += len(data)
            if self.volume - self.payload > HEAD + FRAMES * self.payload:
                self.refuse(431, f"a request has more than {HEAD:,} bytes around its body")
        self.watch()

    def watch(self) -> None:
        """Wait for a request's head, but not for ever."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and self.waiting:
            self.waiting.cancel()
            self.waiting = None
        elif not answering and not self.waiting and not self.is_refused:
            self.waiting = self.loop.call_later(self.patience, self.leave)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head, self.head = True, self.head * self.in_head
        self.volume = self.payload = 0

    def on_headers_complete(self) -> None:
        self.in_head, self.head = False, 0
        super().on_headers_complete()
        if self.is_last:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self.payload += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.in_head, self.head, self.has_ended = True, 0, True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def shutdown(self) -> None:
        """Whoever has just come, and has not asked yet, may: another service takes over from this
        one, and nobody is to notice."""
        if self.cycle is None and not self.is_refused:
            self.is_last = True
            self.loop.call_later(LATE, self.close_unused)
        else:
            super().shutdown()

    def close_unused(self) -> None:
        """Nobody has asked in that time."""
        if self.cycle is None:
            self.leave()

    def refuse(self, status: int, rule: str) -> None:
        """Answer, unless an answer has begun, and take no more of this connection."""
        self.is_refused = True
        client = self.client[0] if self.client else ""
        fields = {"status": status, "rule": rule, "client": client}
        logger.warning("a connection was refused", extra={"fields": fields})
        if unanswered := self.app_state.get(UNANSWERED):
            unanswered.count(RefusedError(status, rule), is_known=False)
        if self.waiting:
            self.waiting.cancel()
        if self.transport.is_closing():
            return
        self.pipeline.clear()
        cycle = self.running
        if cycle is None or not cycle.response_started or cycle.response_complete:
            self.transport.write(refusal(status, rule))
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.waiting = self.loop.call_later(LINGER, self.leave)


def refusal(status: int, rule: str) -> bytes:
    """The whole answer."""
    body = to_json({"detail": [{"rule": rule}]})
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
