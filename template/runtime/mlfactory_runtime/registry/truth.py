"""Whether a record that somebody merged says what git itself says of its version."""

from collections.abc import Iterator

from ..errors import FactoryError
from ..project import Project
from ..records.registry import Facts, Promotion
from .models import facts, message_json
from .tags import registered

# What a promotion repeats of its version; not the commit's time, which each git writes its way.
NAMES = tuple(name for name in Facts.model_fields if name != "trained_at")
AGAIN = "take the record back, and propose it anew: factory promote"


def check_record(project: Project, record: Promotion) -> None:
    """FactoryError unless the version is the commit that the record names, and that commit and the
    version's tag say of the model what the record says."""
    tag = registered(project, record.version)
    if tag.commit != record.commit:
        message = f"{record.version} is not the commit that {record.record} names"
        raise FactoryError(message, "git fetch --tags --force, and look at who moved the tag")
    own = message_json(tag.message).get("model") or record.model
    odd = [*differences(project, record), *(["model"] if own != record.model else [])]
    if odd:
        message = f"{record.record} says another {', another '.join(odd)} than {record.version} has"
        raise FactoryError(message, AGAIN)


def differences(project: Project, record: Promotion) -> Iterator[str]:
    """What the record says otherwise than the version's commit; an older one may say less."""
    own = facts(project, record.commit)
    for name in NAMES:
        if name in record.model_fields_set and getattr(own, name) != getattr(record, name):
            yield name
