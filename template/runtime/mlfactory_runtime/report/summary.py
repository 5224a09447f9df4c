"""The last evaluation in short."""

from ..errors import FactoryError
from ..learn.looks import looks
from ..project import EVALUATION, Project
from ..records.evaluation import Evaluation, Summary
from ..records.record import read
from .words import ordered

REPORT = "reports/report.html"


def summary(project: Project) -> Summary:
    """The last evaluation in short. FactoryError where there is none."""
    found = read(Evaluation, project.root / EVALUATION)
    if found is None:
        raise FactoryError("no model has been evaluated here", "train one: dvc repro")
    return Summary(
        task=found.task,
        target=found.target,
        rows=found.rows,
        metric=found.metric,
        verdict=found.verdict,
        reason=found.reason,
        gain=found.gain,
        warnings=found.warnings,
        metrics={
            name: {key: metrics[key] for key in ordered(found)}
            for name, metrics in found.models.items()
        },
        validation=found.validation,
        coverage=found.coverage,
        looks=looks(project),
        report=REPORT,
    )
