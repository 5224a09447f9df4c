"""When the monitor rings."""

from pydantic import Field, model_validator

from .section import Section


class Monitor(Section):
    """When the monitor rings: a difference must be certain, matter, and come back."""

    window: str = Field(
        default="7d", description="How long a window is: 7d, 24h, 30m, 20s, month or batch."
    )
    windows: int = Field(default=3, ge=1, le=100, description="So many last windows are looked at.")
    breaches: int = Field(
        default=2, ge=1, description="It rings if so many of them are bad, the latest among them."
    )
    min_rows: int = Field(default=30, ge=30, description="Fewer rows are not judged.")
    level: float = Field(
        default=0.01, gt=0, lt=0.5, description="The share of windows that ring by chance alone."
    )
    share: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="If up to this share of rows lies elsewhere than in training, it matters not.",
    )
    psi: float | None = Field(
        default=None,
        ge=0,
        description="If set, a stability index (PSI) up to this does not matter, whatever moved.",
    )
    rate: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Nor does a share of missing, new or invalid values higher by up to this.",
    )
    tolerance: float = Field(
        default=0.1, ge=0, description="Nor an error larger than on the holdout by up to this part."
    )
    skill: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Nor the loss of up to this part of its lead over a constant.",
    )
    ranking: float = Field(
        default=0.015, ge=0, le=1, description="Nor an area below the ROC curve less by up to this."
    )
    bias: float = Field(
        default=0.05,
        ge=0,
        description="Nor outcomes higher or lower by up to this, in their standard deviations.",
    )
    slope: float = Field(
        default=0.2, ge=0, description="Nor probabilities up to this part too sure, or too unsure."
    )
    volume: float = Field(
        default=5, gt=1, description="Rows may be so many times as many, or as few, as usual."
    )
    label_days: float | None = Field(
        default=None, gt=0, description="If set, the newest outcome may be so many days old."
    )
    data_days: float | None = Field(
        default=None, gt=0, description="If set, the data of training may be so many days old."
    )
    model_days: float | None = Field(
        default=None, gt=0, description="If set, the model may be so many days old."
    )

    retrain: tuple[str, ...] = Field(
        default=(),
        description="Alarms that call the job Retrain, by kind or name: data, performance, model.",
    )

    @model_validator(mode="after")
    def _can_ring(self) -> "Monitor":
        if self.breaches > self.windows:
            raise ValueError(f"{self.breaches} of {self.windows} windows can never be bad")
        return self
