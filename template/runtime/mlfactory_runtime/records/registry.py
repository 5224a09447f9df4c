"""What git's tags and commits say of models: catalog.json, promotions, and `factory models`."""

from pydantic import Field

from .comparison import Short
from .evaluation import Metrics
from .record import Part, Record, optional, with_alias
from .trail import Anchor, Former


class Facts(Part):
    """What a commit says of its model: when it was made, from which data, how good it is."""

    commit: str
    trained_at: str | None = None
    data: str | None = None
    template: str | None = None
    rows: int | None = None
    metric: str | None = None
    metrics: Metrics = Field(default_factory=dict)
    verdict: str | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()


class Version(Facts):
    """A version, its tag, and the name of the key that signed it."""

    version: str
    tag: str
    signed_by: str | None = None


class Approval(Part):
    """What the message of a stage's tag says; `before` is what the stage held until then."""

    data: str | None = None
    approved_by: str | None = None
    proposed_by: str | None = None
    before: str | None = with_alias("from", None)
    record: str | None = None
    forced: bool | None = None
    why: str | None = None


class Stage(Approval):
    """What a stage holds, and since when."""

    version: str
    since: str | None
    commit: str
    tag: str


class Models(Part):
    """What `factory models` prints; `odd` are tags that are other commits at a remote than here."""

    name: str
    versions: tuple[Version, ...]
    stages: dict[str, Stage]
    odd: tuple[str, ...]


class Listed(Facts, Stage):
    """A stage, and the facts of what it holds, as the catalog lists them."""


class Drift(Part):
    """How the model in production fared when it was last looked at."""

    status: str
    time: str


class Catalog(Record):
    """catalog.json: who owns what, and what is on which stage."""

    name: str
    owner: str
    task: str | None
    target: str | None
    serving: str | None
    template: str | None
    versions: tuple[str, ...]
    stages: dict[str, Listed]
    drift: Drift | None


class Check(Part):
    """What `factory check --strict` of a version says."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


class Promotion(Facts, Record):
    """promotions/NAME.json: why a version goes to a stage; `before` is what the stage held.

    With `forced`, it goes there although there are `problems`. `former` is the record before it,
    and `trail` the end of the log's trail as it was then.
    """

    record: str = ""
    kind: str
    stage: str
    version: str
    before: str | None = with_alias("from")
    model: str
    why: str = ""
    comparison: Short | None = None
    check: Check | None = None
    looks: int | None = optional()
    problems: tuple[str, ...] = ()
    forced: bool = False
    proposed_by: str
    proposed_at: str
    approved_by: str | None = None
    former: Former | None = optional()
    trail: Anchor | None = optional()


class Promoted(Part):
    """What a promotion has changed: a tag where it is made, a branch where it is proposed."""

    stage: str
    version: str
    before: str | None = with_alias("from", None)
    record: str | None = None
    forced: bool = False
    changed: bool
    tag: str = ""
    branch: str = ""
    warnings: tuple[str, ...] = ()


class Applied(Part):
    """The tags that were made of merged records, and the records that were left out.

    `own` are those that nobody but their author approved.
    """

    made: tuple[str, ...]
    stale: tuple[str, ...]
    own: tuple[str, ...] = ()
