"""How a version gets from a merged record to where it runs."""

from pydantic import Field

from .section import Section


class Release(Section):
    """Who has to approve a promotion, what is built of it, and what deploys it."""

    second_person: bool = Field(
        default=True,
        description="Whether somebody else than its author must approve a promotion, on a forge.",
    )
    image: str | None = Field(
        default=None, description="Where the image is pushed to: HOST/TEAM/NAME; else nowhere."
    )
    deploy: str | None = Field(
        default=None, description="The script that deploys a version: deploy/ssh.sh."
    )
