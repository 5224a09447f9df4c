"""How often one client may ask."""

from time import monotonic

from .schema import RefusedError

CLIENTS = 10_000  # so many are remembered; those who asked longest ago are forgotten first


class Rate:
    """So many requests a second, and as many at once; without a limit nobody is counted."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.clients: dict[str, tuple[float, float]] = {}  # what each may still ask, and when

    def count(self, client: str) -> None:
        """Take a request of a client. RefusedError for one too many."""
        if self.limit is None:
            return
        now, most = monotonic(), max(self.limit, 1.0)
        tokens, since = self.clients.pop(client, (most, now))
        tokens = min(most, tokens + (now - since) * self.limit)
        self.clients[client] = (max(tokens - 1, 0.0) if tokens >= 1 else tokens, now)
        if len(self.clients) > CLIENTS:
            del self.clients[next(iter(self.clients))]
        if tokens < 1:
            raise RefusedError(429, f"a client may ask {self.limit:g} times a second")
