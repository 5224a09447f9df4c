"""Too good to be true: what hardly errs on rows that it has not seen was told the outcome.

One column that tells it is found when the catalog is drafted; a sum or a difference of several is
not. It is seen here: no honest table leaves a straight line next to nothing to explain.
"""

from collections.abc import Sequence
from dataclasses import replace

from ..records.evaluation import Importance
from .evaluate import Judgement
from .signature import Signature

# Of the constant's error; of an RMSE, R² 0.9996.
LEFT = {"rmse": 0.02, "mae": 0.02, "log_loss": 0.01}
# So many held-out rows: few are told apart by chance, and numbers are hardly ever met by it.
ENOUGH = {"rmse": 20, "mae": 20, "log_loss": 100}
NAMED = 3


def with_alarm(
    judgement: Judgement,
    signature: Signature,
    metric: str,
    importance: Sequence[Importance],
    rows: int,
    *,
    assumed: bool,
) -> Judgement:
    """The judgement with a warning if the target is told, and not accepted while a column is
    `assumed`: nobody has said that its value is known when a prediction is made.

    `metric` is the primary one.
    """
    name = next((one for one in ("linear", "model") if is_told(judgement, one, metric)), None)
    if name is None or rows < ENOUGH[metric]:
        return judgement
    value, constant = (judgement.models[one][metric].value for one in (name, "naive"))
    leading = [line.feature for line in importance[:NAMED] if line.gain > 0]
    text = (
        f"{'a linear model' if name == 'linear' else 'the model'} tells {signature.target} almost "
        f"without error ({metric} {value:.3g}, of a constant {constant:.3g}): that is a sign of a "
        f"leak. Find out whether {', '.join(map(repr, leading)) or 'every column'} is known when a "
        "prediction is made, or the target is made of it"
    )
    warned = replace(judgement, warnings=(text, *judgement.warnings))
    return replace(warned, verdict="rejected", reason=text) if assumed else warned


def is_told(judgement: Judgement, name: str, metric: str) -> bool:
    """Whether a model has next to nothing of the constant's error."""
    value, constant = (judgement.models[one][metric].value for one in (name, "naive"))
    return value is not None and constant is not None and 0 <= value < LEFT[metric] * constant
