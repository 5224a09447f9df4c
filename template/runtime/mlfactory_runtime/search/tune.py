"""`factory tune`: better settings by search, on rows that are not held out."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from ..errors import FactoryError
from ..files import pretty, short_hash
from ..files import replace as replace_file
from ..interrupts import Interrupted
from ..learn.train import read_split
from ..progress import Tell, silent
from ..project import CATALOG, REPORTS, Project
from ..records.record import read, write
from ..records.tuning import Attempt, Tuning
from ..settings.params import Params
from .attempts import measure
from .optimism import optimism
from .proposal import Proposal, proposal
from .space import Choice, check_switches, settings_of, space_of, with_settings
from .splits import Parting, counts_of, metric_of, parting_of
from .study import next_trial, require

FILE = REPORTS / "tuning.json"
TRIALS, BEST, FAILURES = 50, 3, 5


@dataclass(frozen=True)
class Budget:
    """So many attempts in all beside the settings as they were, or so many minutes from now on."""

    trials: int | None = None
    minutes: float | None = None

    def share(self, search: Tuning, begin: float) -> float:
        """Which part of it is spent; 1 is all."""
        if self.minutes is not None:
            return min((monotonic() - begin) / (60 * self.minutes or 1e-9), 1.0)
        trials = TRIALS if self.trials is None else self.trials
        own = sum(not one.variants for one in search.attempts[1:])
        return min(own / trials, 1.0) if trials else 1.0


@dataclass(frozen=True)
class Place:
    """Where a search takes place: its rows, its space, and the file that keeps it."""

    parting: Parting
    space: tuple[Choice, ...]
    file: Path


@dataclass(frozen=True)
class Outcome:
    """All attempts, and what the best of them changes in params.yaml; None where none is better."""

    search: Tuning
    change: Proposal | None


def tune(
    project: Project,
    budget: Budget,
    switches: tuple[str, ...] = (),
    *,
    resume: bool = False,
    tell: Tell = silent,
) -> Outcome:
    """Search; all attempts stand in reports/tuning.json, however it ends. Nothing else changes."""
    require()
    if project.params.model.kind != "own":
        hint = "a linear model finds its own; else set model.kind to own in params.yaml"
        raise FactoryError("factory tune searches settings of trees", hint)
    check_switches(project.params, [*project.catalog.features(project.params)], switches)
    place = place_of(project, switches)
    search = begun_before(place) if resume else fresh(place)
    try:
        search = searched(place, search, budget, tell)
    except Interrupted as stop:
        count = len((read(Tuning, place.file) or search).attempts)
        stop.args = (
            f"{stop}: {count} attempts are in {FILE}; factory tune --resume goes on, and with "
            "--trials 0 takes the best of them",
        )
        raise
    best = search.complete[0]
    search = search.model_copy(update={"proposal": best.number, "optimism": optimism(search)})
    save(place, search)
    if best.number == 0:
        return Outcome(search, None)
    return Outcome(search, proposal(project, after(project.params, best)))


def after(params: Params, best: Attempt) -> Params:
    """The settings with those of an attempt."""
    return with_settings(params, best.settings, best.without, best.variants)


def place_of(project: Project, switches: tuple[str, ...]) -> Place:
    parting = parting_of(project)
    features = parting.view(project.params).signature.features
    categories = any(feature.role == "categorical" for feature in features)
    return Place(parting, space_of(parting.rows, categories, switches), project.root / FILE)


def fresh(place: Place) -> Tuning:
    """A search without attempts, which knows of those of earlier ones on the same rows."""
    project, view = place.parting.project, place.parting.view(place.parting.project.params)
    before = earlier(place.file)
    search = Tuning(
        rows_hash=rows_hash(project),
        inputs=inputs(project),
        space=tuple(map(str, place.space)),
        seed=project.params.model.seed,
        metric=metric_of(view, project.params),
        by=place.parting.by,
        rows=sum(len(part.blocks) for part in view.parts),
        counts=tuple(counts_of(view.parts).tolist()),
    )
    same = before is not None and before.rows_hash == search.rows_hash
    return search.model_copy(update={"earlier": before.looks}) if before and same else search


def earlier(file: Path) -> Tuning | None:
    """The search that stands there. FactoryError, with what to do, for a file that is damaged."""
    try:
        return read(Tuning, file)
    except FactoryError as error:
        hint = f"git checkout -- {FILE}, or remove it: the search begins anew then"
        raise FactoryError(f"the search in {error.message}", hint) from error


def begun_before(place: Place) -> Tuning:
    """The search to go on with. FactoryError where there is none, or one of other rows."""
    search, begin = earlier(place.file), "begin one: factory tune"
    if search is None:
        raise FactoryError(f"{FILE} is not here: there is no search to go on with", begin)
    now = fresh(place)
    if (search.inputs, search.space) != (now.inputs, now.space):
        message = (
            f"since the search in {FILE} rows, catalog, code, settings or switches have changed"
        )
        raise FactoryError(message, f"take these back, or {begin}")
    if search.attempts and search.attempts[0].state == "failed":
        message = f"the settings as they were could not be fitted: {search.attempts[0].why}"
        raise FactoryError(message, begin)
    return search


def rows_hash(project: Project) -> str:
    """What names the rows that are looked at, and who is where."""
    return short_hash(f"{read_split(project).data} {project.params.split}".encode())


def inputs(project: Project) -> str:
    """What an attempt depends on beside its own settings."""
    code = [file.read_bytes() for file in sorted(project.source.rglob("*.py"))]
    catalog = (project.root / CATALOG).read_bytes()
    settings = f"{rows_hash(project)} {project.params.model!r}".encode()
    return short_hash(b"".join([*code, catalog, settings]))


def searched(place: Place, search: Tuning, budget: Budget, tell: Tell) -> Tuning:
    """The search, with attempts until the budget is spent, and one more: the average of the best.

    Each stands in the file before the next begins.
    """
    begin = monotonic()

    def put(attempt: Attempt) -> Tuning:
        now = search.extended(attempt)
        save(place, now)
        refuse_failing(now)
        return now

    if not search.attempts:
        tell("measure the settings as they are", 0.0)
        search = put(measure(place.parting, 0, {}, place.parting.project.params.model.without))
    while (share := budget.share(search, begin)) < 1:
        tell(f"attempt {len(search.attempts)}, {best_text(search)}", share)
        search = put(attempt(place, search))
    if variants := averaged(search):
        tell(f"average the best, {best_text(search)}", 1.0)
        best = search.complete[0]
        number = len(search.attempts)
        search = put(measure(place.parting, number, best.settings, best.without, variants))
    return search


def attempt(place: Place, search: Tuning) -> Attempt:
    """The next one, cut short if it is hopeless."""
    trial = next_trial(search.attempts, place.space, search.seed)
    values = {choice.name: choice.suggest(trial) for choice in place.space}
    settings, without = settings_of(values)
    fixed = set(place.parting.project.params.model.without) - {
        choice.name.removeprefix("without ") for choice in place.space
    }

    def stop(step: int, loss: float) -> bool:
        trial.report(loss, step)
        return bool(trial.should_prune())

    out = tuple(sorted({*without, *fixed}))
    return measure(place.parting, len(search.attempts), settings, out, stop=stop)


def averaged(search: Tuning) -> tuple[dict[str, bool | int | float | str], ...]:
    """The settings to average those of the best with: the next ones that beat what was before."""
    whole = search.complete
    before = next((one.loss for one in whole if one.number == 0), None)
    if not whole or before is None or any(one.variants for one in search.attempts):
        return ()
    good = [one for one in whole if one.settings and one.loss is not None and one.loss < before]
    alike = [one for one in good[1:] if one.without == good[0].without]
    return tuple(
        {name: value for name, value in one.settings.items() if name != "averaged"}
        for one in alike[: BEST - 1]
    )


def save(place: Place, search: Tuning) -> None:
    """Put the record in place in one move."""
    if place.file.is_file():
        replace_file(place.file, pretty(search.model_dump(mode="json")))
    else:
        write(place.file, search)


def refuse_failing(search: Tuning) -> None:
    """FactoryError where nothing can be fitted."""
    last = search.attempts[-FAILURES:]
    if search.attempts[0].state == "failed":
        message = f"the settings as they are cannot be fitted: {search.attempts[0].why}"
        raise FactoryError(message, "mend that, then: dvc repro train")
    if len(last) == FAILURES and all(one.state == "failed" for one in last):
        message = f"{FAILURES} attempts in a row cannot be fitted; the last says: {last[-1].why}"
        raise FactoryError(message, "look at model.extra in params.yaml and at model.py")


def best_text(search: Tuning) -> str:
    """How good the best one is."""
    best = search.complete[0]
    return f"{search.metric} {best.loss:.4g} by now"
