"""Panels: rows of the same shops, machines or regions at many moments."""

import re
from typing import Any

import polars as pl

from ..settings.params import Params
from .personal import words

PERIODS = {
    "year", "quarter", "month", "week", "period", "jahr", "quartal", "monat", "woche", "periode",
    "annee", "trimestre", "mois", "semaine", "ano", "mes", "semana", "periodo", "anno", "mese",
    "settimana", "jaar", "maand",
}  # fmt: skip
AHEAD = re.compile(
    r"\b(?:promo\w*|holidays?|feiertage?|ferien|vacances|events?|campaigns?|kampagne|prices?|preise?"
    r"|prix|precio|prezzo|discounts?|rabatt|remise|descuento|weekdays?|wochentag|weekend|season"
    r"|saison|calendar|kalender|school|schul\w*|opening|open|geoeffnet"
    r"|aktion\w*|angebote?|festivos?|feriados?|vacaciones|ofertas?|dia semana|soldes|jours? ferie"
    r"|sconto|festivi\w*|giorno settimana|desconto|korting|feestdag)\b"
)


def find_panel(
    sample: pl.DataFrame,
    described: dict[str, dict[str, Any]],
    params: Params,
    group: str | list[str] | None,
) -> list[str]:
    """What to say of an identifier that repeats; marks what is known in advance in a panel.

    As the `group` of the split it is none to learn from: those that are held out are new.
    """
    name, time = params.data.id, params.data.time
    if not name or name not in described or not is_repeating(sample[name]):
        return []
    count = f"{name!r} has {sample[name].n_unique():,} values in {sample.height:,} rows"
    if not time:
        return undated(sample, described, name)
    if name == group:
        described[name]["role"] = "identifier"
        described[name]["drafted"] += "; its outcome never changes: it only names rows"
        described[name].pop("assumed", None)
        return []
    for column, entry in described.items():
        if entry.get("assumed") and AHEAD.search(" ".join(words(column))):
            entry["ahead"] = True
            entry["drafted"] += "; known in advance, as its name says"
    if described[name]["role"] == "categorical":
        advice = "what is known in advance of a row (prices, promotions) has `ahead: true`"
        return [f"{count}: an entity, and learned from; {advice}"]
    why = "of persons" if "sensitive" in described[name] else "too many for their rows"
    return [
        f"{count}, {why}, and is not learned from: give each row what was known of it before, such "
        "as its last value"
    ]


def undated(sample: pl.DataFrame, described: dict[str, dict[str, Any]], name: str) -> list[str]:
    """What to say where whole entities are held out though their rows have dates."""
    dated = [
        other
        for other, entry in described.items()
        if entry["dtype"] in ("date", "datetime") or not PERIODS.isdisjoint(words(other))
    ]
    moving = [n for n in dated if sample.select(name, n).n_unique() > 2 * sample[name].n_unique()]
    if not moving:
        return []
    return [
        f"whole {name!r} are held out, so that the model is tested on new ones; if later rows of "
        f"the same are predicted, make the factory with --time {moving[0]!r}"
    ]


def is_repeating(values: pl.Series) -> bool:
    """Whether most values name several rows."""
    return 2 * values.n_unique() <= values.drop_nulls().len()
