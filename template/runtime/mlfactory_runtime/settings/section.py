"""What every group of settings has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of settings; a key that does not exist is an error, so that no typo is ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
