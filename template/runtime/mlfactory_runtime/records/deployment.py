"""What the job that releases writes down."""

from .record import Record


class Deployment(Record):
    """STAGE.json on the branch `deployments`: what was built of a version, and what deployed it.

    `image` and `digest` are of its image, null where it has none; `bill` is the SHA-256 of its bill
    of materials, and `script` what deployed it, null where nothing did.
    """

    name: str
    stage: str
    version: str
    commit: str
    tag: str
    record: str
    model: str
    approved_by: str | None = None
    image: str | None = None
    digest: str | None = None
    bill: str
    script: str | None = None
    time: str
    run: str | None = None
