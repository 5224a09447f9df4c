"""Where work is done that is too much for one process."""

from typing import Literal

from pydantic import Field

from .section import Section


class Engine(Section):
    """Who scores folders, and who trains beyond data.in_memory_rows."""

    kind: Literal["none", "dask"] = Field(
        default="none", description="`dask`: a cluster, for what is too much for this machine."
    )
    address: str | None = Field(
        default=None, description="Its scheduler, as tcp://HOST:8786; else one on this machine."
    )
    workers: int = Field(
        default=0, ge=0, description="Of one on this machine: so many workers; 0: one a core."
    )
