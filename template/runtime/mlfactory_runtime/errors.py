"""The errors that people see: what happened, and the next thing to do."""


class FactoryError(Exception):
    """Something is wrong with data, catalog, settings or model; `hint` says what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


def not_installed(name: str) -> FactoryError:
    """What to say where only what predictions need is installed."""
    return FactoryError(
        f"{name} is not installed here: this environment has what predictions need, and no more",
        "uv sync; without uv: pip install --find-links vendor -e . --group train --group dev",
    )
