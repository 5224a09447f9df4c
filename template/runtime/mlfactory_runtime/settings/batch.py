"""What is scored on a schedule."""

from typing import Literal

from pydantic import Field

from .section import Section


class Batch(Section):
    """What `factory batch` scores, by which model, and where the answers go."""

    source: str | None = Field(
        default=None,
        description="Files to score: a path or a pattern, also as s3://BUCKET/*.csv, or a .sql.",
    )
    target: str | None = Field(
        default=None, description="The folder of the answers, also as s3://BUCKET/FOLDER."
    )
    format: Literal["csv", "parquet"] = Field(
        default="csv", description="How answers are written: csv or parquet."
    )
    model: str = Field(default="prod", description="The stage or version that scores.")
    max_invalid: float = Field(
        default=0.05, ge=0, le=1, description="A file of which more cannot be scored is left."
    )
