"""The errors that people see: what happened, and the next thing to do."""

from .credentials import mask


class FactoryError(Exception):
    """Something is wrong with data, catalog, settings or model; `hint` says what to do next.

    Whatever an address in them holds, as git and DVC repeat it, no secret is shown.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        message, hint = mask(message), mask(hint)
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


def not_installed(name: str) -> FactoryError:
    """What to say where only what predictions need is installed."""
    return FactoryError(
        f"{name} is not installed here: this environment has what predictions need, and no more",
        "uv sync; without uv: pip install --find-links vendor -e . --group train --group dev",
    )
