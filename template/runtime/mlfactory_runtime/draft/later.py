"""What is known only later, as two names say, where the values go together as well."""

import re
from collections.abc import Iterable

import numpy as np
import polars as pl

from .outcome import Outcome, area, codes_of, is_number, numbers_of, ranks
from .personal import words

ALIKE, APART = 0.7, 0.85
SURE, FEW, STATES, FEWEST, SHARED = 2.5, 0.06, 4, 30, 4
LATER = {  # whatever the target is called
    "arr", "arrival", "arrived", "arriving", "final", "actual", "realized", "realised", "eventual",
    "paid", "settled", "settlement", "delivered", "returned", "discharge", "discharged", "result",
    "ankunft", "llegada", "arrivee", "arrivo", "chegada", "finale", "tatsachlich", "reguliert",
    "bezahlt", "gezahlt", "geliefert", "entlassung", "ergebnis", "pagado", "entregado", "resultado",
    "paye", "livre", "resultat", "pagato", "consegnato", "risultato", "entregue",
}  # fmt: skip
AFTER = {  # where the target is called an earlier one
    "after", "post", "end", "ended", "ending", "finish", "finished", "close", "closed", "closing",
    "exit", "dropoff", "completed", "received", "followup", "afterwards", "later", "nachher",
    "danach", "ende", "schluss", "despues", "fin", "cierre", "apres", "cloture", "dopo",
    "chiusura", "depois", "fim",
}  # fmt: skip
EARLIER = {
    "dep", "departure", "departed", "start", "started", "starting", "begin", "beginning", "open",
    "opened", "opening", "initial", "before", "pre", "planned", "scheduled", "sched", "estimated",
    "expected", "pickup", "admission", "admitted", "entry", "first", "last", "previous", "prior",
    "lag", "lagged", "ago", "yesterday", "baseline", "base", "since", "forecast", "target",
    "abfahrt", "abflug", "beginn", "anfang", "vorher", "geplant", "erwartet", "aufnahme", "erste",
    "letzte", "vorjahr", "vormonat", "gestern", "prognose", "ziel", "plan", "soll", "salida",
    "inicio", "inicial", "antes", "previsto", "estimado", "ingreso", "ultimo", "ultima", "ayer",
    "anterior", "previo", "objetivo", "depart", "debut", "avant", "prevu", "dernier", "precedent",
    "partenza", "inizio", "iniziale", "prima", "precedente", "ieri", "partida", "vertrek",
}  # fmt: skip
EVENT = (
    "status|stat|fustat|event|events|death|deaths|dead|deceased|died|die|alive|vital|survived"
    "|mortality|relapse|relapsed|recurrence|recurred|progression|censored|censor|censoring|cens"
    "|failure|failed|arrest|arrested|hospdead"
    "|verstorben|gestorben|tod|todesfall|ereignis|rezidiv|zensiert|uberlebt|ueberlebt|lebt"
    "|fallecido|fallecimiento|fallecio|muerte|muerto|murio|exitus|defuncion|evento|recaida|recidiva"
    "|deces|decede|mort|evenement|rechute|recidive|censure|statut|vivant"
    "|morto|morte|deceduto|decesso|ricaduta|obito|falecido|overleden|overlijden"
)
EVENTS = re.compile(rf"\b(?:{EVENT})\b")
FOLLOWED = re.compile(
    r"\b(?:follow ?ups?|fu ?(?:date|time|days|months|years)|tt[ep]|[pdre]fs"
    r"|(?:surv(?:ival)?|os|obs(?:ervation)?|censoring) ?(?:date|time|days|weeks|months|years)"
    r"|(?:time|days|weeks|months|years) survived"
    r"|uberlebens(?:zeit|dauer|tage|monate)|ueberlebens(?:zeit|dauer|tage|monate)"
    r"|(?:nach)?beobachtungs(?:zeit|dauer|tage)|nachbeobachtung|seguimiento|supervivencia"
    r"|(?:duree|temps|jours|mois) (?:de )?(?:suivi|survie)|sopravvivenza|seguimento|sobrevida"
    r"|overlevings(?:tijd|duur))\b"
)
BEFORE = re.compile(r"\b(?:since|ago|before|prior|previous)\b")
UNTIL = re.compile(
    r"(?:time|days|weeks|months|years) (?:to|until|till) (?:the )?([a-z]{4,})"
    r"|(?:zeit|tage|wochen|monate) bis (?:zum |zur )?([a-z]{3,})"
    r"|(?:tiempo|dias|semanas|meses|tempo) (?:hasta|ate) (?:la |el |a |o )?([a-z]{4,})"
    r"|(?:temps|delai|jours|mois) jusqu(?: au| a| a la)? ([a-z]{4,})"
    r"|(?:tempo|giorni|mesi) (?:a|al|alla|fino a) ([a-z]{4,})"
)
TIMES = re.compile(
    r"^(?:time|times|days|weeks|months|years|duration|d ?time|t?stop|etime|ttime)$"
    r"|^(?:t|zeit|tage|wochen|monate|dauer|tiempo|dias|semanas|meses|duracion|temps|jours|mois|duree"
    r"|tempo|giorni|mesi|durata|duracao|tijd|duur)$"
    r"|\b(?:letzter kontakt|ultimo contact?to|dernier contact|ultimo contato)\b"
    r"|\bat (?:exit|death|event|end)$"
    r"|\b(?:last (?:contact|seen|visit|alive)|(?:end|exit|death|event|stop) ?(?:date|time|day)?"
    r"|(?:date|time|day) of (?:the )?(?:end|exit|death|event|last contact)|observed)$"
)


def find_later(rows: pl.DataFrame, y: Outcome, columns: Iterable[str]) -> dict[str, str]:
    """The columns that hold a later measure of the target, or what came with its event."""
    later = {}
    for name in columns:
        if what := _later(name, rows[name], y):
            later[name] = f"by its name it is {what}, and they go together: known only afterwards?"
    return later


def _later(name: str, values: pl.Series, y: Outcome) -> str:
    """What a column is by its name and its values, if it is known later than the target."""
    header = " ".join(words(name))
    if is_later(words(name), words(y.name)) and goes_along(values, y):
        return f"a later measure of {y.name}"
    if is_followed(header, y) and differs(values, y):
        return "the time until the event, or until nobody looked any more"
    if EVENTS.search(header) and is_time(y) and is_split(values, y):
        return f"what had happened at the end of {y.name}"
    return ""


def is_later(column: list[str], target: list[str]) -> bool:
    """Whether two names say the same but for the moment, and the column's is the later one."""
    late = LATER | AFTER if EARLIER.intersection(target) else LATER
    if not late.intersection(column) or EARLIER.intersection(column):
        return False
    if (LATER | AFTER).intersection(target):
        return False
    ours, theirs = ({*some} - LATER - AFTER - EARLIER for some in (column, target))
    alike = {one for one in ours for other in theirs if one[:5] == other[:5] and len(one) >= SHARED}
    return bool(alike) or ours == theirs


def is_followed(header: str, y: Outcome) -> bool:
    """Whether a name speaks of how long somebody was watched.

    `time` does where an event is asked for, and `days to churn` where churn is.
    """
    followed, until, time = (form.search(header) for form in (FOLLOWED, UNTIL, TIMES))
    if not y.classes or BEFORE.search(header) or not (followed or until or time):
        return False
    naming = " ".join((*words(y.name), *y.classes)).lower()
    event = EVENTS.search(naming)
    what = next(filter(None, until.groups()), "") if until else ""
    return bool(followed or event or (what and what[:5] in naming))


def is_time(y: Outcome) -> bool:
    header = " ".join(words(y.name))
    return not y.classes and bool(any(form.search(header) for form in (TIMES, FOLLOWED, UNTIL)))


def goes_along(values: pl.Series, y: Outcome) -> bool:
    """Whether a number rises with the target, or tells one of its classes well."""
    x = numbers_of(values) if is_number(values) else np.empty(0)
    valid = ~np.isnan(x)
    if valid.sum() < FEWEST:
        return False
    if y.classes:
        return max(strength(x[valid], y.codes[valid] == k) for k in range(len(y.classes))) >= APART
    ours, theirs = (ranks(np.unique(v[valid], return_inverse=True)[1]) for v in (x, y.values))
    pairs = (ours, theirs), (x[valid], y.values[valid])  # most delays are next to none, and alike
    return any(np.corrcoef(*pair)[0, 1] >= ALIKE for pair in pairs)


def differs(values: pl.Series, y: Outcome) -> bool:
    """Whether a time is surely longer for some class."""
    x = numbers_of(values) if is_number(values) else np.empty(0)
    valid = ~np.isnan(x)
    return any(sure(x[valid], y.codes[valid] == k) for k in range(len(y.classes)) if valid.any())


def is_split(values: pl.Series, y: Outcome) -> bool:
    """Whether it has few values, and the target is surely longer for some of them."""
    codes = codes_of(values)
    return codes.max() <= STATES and any(sure(y.values, codes == k) for k in np.unique(codes))


def strength(x: np.ndarray, mark: np.ndarray) -> float:
    """The area under the ROC curve, whatever the direction."""
    return abs(area(x, mark)[0] - 0.5) + 0.5


def sure(x: np.ndarray, mark: np.ndarray) -> bool:
    ranking, error = area(x, mark)
    return abs(ranking - 0.5) >= max(FEW, SURE * error)
