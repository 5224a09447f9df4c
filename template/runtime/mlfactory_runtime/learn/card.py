"""The model card for machines."""

from ..project import Project
from ..records.card import Card, CardSplit, Origin
from ..records.evaluation import Evaluation

ADDED = {"format", "owner", "serving", "use", "split", "features"}


def model_card(project: Project, evaluation: Evaluation) -> Card:
    """What `evaluation` says of the model, and the lineage of every feature."""
    params, catalog = project.params, project.catalog
    features = {
        name: Origin(
            dtype=column.dtype,
            role=column.role,
            owner=column.owner,
            sources={root: catalog.columns[root].source for root in catalog.roots(name)},
            availability=catalog.columns[catalog.weakest(name)].availability,
        )
        for name, column in catalog.features(params).items()
    }
    values = {name: getattr(evaluation, name) for name in Card.model_fields.keys() - ADDED}
    return Card(
        owner=str(project.answers.get("owner", "")),
        serving=params.serving.mode,
        use="docs/about.md",
        split=CardSplit(kind=evaluation.split.kind, cutoff=evaluation.split.cutoff),
        features=features,
        **values,
    )
