"""The last evaluation in short."""

from ..errors import FactoryError
from ..learn.looks import looks
from ..project import EVALUATION, Project
from ..records.evaluation import Evaluation, Summary
from ..records.record import read
from .words import in_order

REPORT = "reports/report.html"


def summary(project: Project) -> Summary:
    """The last evaluation in short. FactoryError where there is none."""
    evaluation = read(Evaluation, project.root / EVALUATION)
    if evaluation is None:
        raise FactoryError("no model has been evaluated here", "train one: dvc repro")
    return Summary(
        task=evaluation.task,
        target=evaluation.target,
        rows=evaluation.rows,
        metric=evaluation.metric,
        verdict=evaluation.verdict,
        reason=evaluation.reason,
        gain=evaluation.gain,
        warnings=evaluation.warnings,
        metrics={
            name: {key: metrics[key] for key in in_order(evaluation)}
            for name, metrics in evaluation.models.items()
        },
        validation=evaluation.validation,
        coverage=evaluation.coverage,
        looks=looks(project),
        report=REPORT,
    )
