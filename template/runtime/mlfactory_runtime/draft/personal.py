"""Which columns are about persons, told from their names and from what stands in them.

A name is read as words, so that `rename` and `hostname` are no names. What stands in a column may
speak against its name: `phone_service` with yes and no is no telephone number.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

import polars as pl

from ..settings.catalog import Sensitivity
from ..tables import kinds
from .places import PLACES

SAMPLE, FEW, NAMES = 2000, 5, 20
WHO = (
    "(?:customer|client|cliente|kunden?|patient(?:en)?|user|nutzer|person|member|mitglieds?|subject"
    "|account|konto|employee|student|pupil|passenger|guest|driver|fahrer|household|applicant|contact"
    "|subscriber|voter|respondent|participant|owner|holder|author|doctor|physician|teacher|parent"
    "|spouse|seller|buyer|agent|manager|usuario|utente|nurse|broker|recruiter|lawyer|referrer)"
)
PEOPLE = rf"\b(?:{WHO}s?|rep|by|who|sachbearbeiter|betreuer|arzt)$"
THINGS = (
    r"\b(?:product|file|model|brand|company|firm|team|city|town|country|state|region|place|event"
    r"|course|item|table|category|class|domain|project|plan|store|shop|song|album|movie|film|book"
    r"|game|species|hotel|restaurant|job|title|group|department|county|district|station|airport)\b"
)
SPECIAL = {
    "religion": r"religio\w*|konfession|faith",
    "origin": rf"ethni\w*|racial|^(?:{WHO} )?race(?: ethnicity)?$",
    "politics": r"politic\w*|politisch\w*|partei",
    "a trade union": r"trade union|union(?: member\w*)?$|gewerkschaft\w*|syndicat",
    "health": r"diagnos\w*|disease|illness|disabilit\w*|disabled|handicap|behinderung|krankheit"
    r"|hiv|icd|pregnan\w*|schwanger\w*|medications?|medikament\w*|diabet\w*|psychiatr\w*"
    r"|(?:^|mental |physical |general )health(?: status| condition| issue)?$|gesundheit\w*",
    "sexual life": r"sexual\w*|sexuell\w*",
    "genes": r"genetics?|genome?|dna",
    "biometrics": r"biometric\w*|fingerprint",
}
SHARED = ("birth", "a post code")  # true of many persons: it tells of them, and names none
CODES = {
    "birth": r"(?:date|day|year|place) (?:of )?birth|birth ?(?:date|day|year|place)|dob|geburts\w*"
    r"|geb(?:oren)? ?(?:dat\w*|am|tag|jahr)|geboorte\w*|fodels\w*|dselsdato"
    r"|(?:date|lieu) (?:de )?naissance|(?:fecha|lugar) (?:de )?nacimiento|data (?:di )?nascita"
    r"|data (?:de )?nascimento|(?:data|rok|miejsce) urodzenia",
    "a post code": r"zip(?: ?code)?$|post(?:al)? ?code|plz|postleitzahl|code postal|codigo postal",
    "an official number": r"ssn|social security(?: \w+)?|passport(?: \w+)?|iban|imei|dni|cpf|mrn"
    r"|(?:tax|national|steuer|card|insurance|passport) ?(?:id|no|nr|number|nummer)|passnummer"
    r"|(?:driver|driving) ?s? licen[cs]e|(?:licen[cs]e|number) plate|kennzeichen|medical record",
    "whom a row is about": rf"{WHO} ?(?:id|no|nr|number|nummer|key|ref|uuid|code)$"
    r"|^(?:customer|client|kunde|patient|user|member|account|konto)$|(?:cookie|device) id",
    "an IP address": r"^ip$|(?:ip|mac) ?add?r(?:ess)?",
}
TEXTS = {
    "a person's name": rf"(?:first|last|given|family|middle|maiden|full|nick|{WHO}) ?name|surname"
    r"|vorname|nachname|familienname|prenom|nom|cognome|sobrenome|apellidos?|achternaam|voornaam",
    "an e-mail address": r"e ?mails?(?: ?add?ress?e?)?$|mail ?add?ress?e?$|courriel"
    r"|correo(?: electronico)?$",
    "an address": r"add?ress?e?(?: line)?$|addr|anschrift|street(?: name)?$|strasse|direccion|calle"
    r"|rue|indirizzo|endereco",
}
PHONE = r"\b(?:(?:tele)?phone|telefono?|tel|mobile|mobil|handy|fax|cell)(?:num|nu|nr|no|\b)"
NAME = r"^(?:name|nome|nombre|naam)$"
# Numbers and days that none of the forms below fits, and what all but those of names have in them.
PLAIN, WRITTEN = r"^-?(?:0|[1-9]\d{0,11})(?:\.\d+)?$|^[12]\d{3}-\d\d-\d\d$", r"[\d@]"
NAMED = r"^(?:\p{Lu}[\p{L}'\u2019.-]*,? ){1,4}\p{Lu}[\p{L}'\u2019.()-]*$"
IBAN, CARD = r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", r"[3-6]\d{12,18}"
LOOKS = {
    "phone numbers": r"^(?:\+\d|00\d|\(\d)[\d ()./-]{5,18}$|^\d{3}[-. ]\d{3}[-. ]\d{4}$"
    r"|^0\d{2,4}[ /-]\d[\d -]{3,10}$",
    "IP addresses": r"^(?:\d{1,3}\.){3}\d{1,3}$",
    "social security numbers": r"^\d{3}-\d{2}-\d{4}$",
    "addresses": r"(?i)^\d+\w? .*\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd"
    r"|court|ct|way)\b|(?:str(?:a(?:ss|ß)e|\.)|weg|platz|allee|gasse) ?\d"
    r"|^(?:rue|calle|via|avenida|rua|plaza|piazza) .*\d|^\d+,? (?:rue|avenue) ",
}


def sensitivity(name: str, values: pl.Series, *, is_plain: bool = False) -> tuple[Sensitivity, str]:
    """Whether a column is about persons, and what says so; `none` if nothing does.

    Of values that are all plain only the name can say so.
    """
    header = " ".join(words(name))
    if what := _first(SPECIAL, header):
        return "special", f"its name speaks of {what}"
    if values.dtype == pl.Boolean or (is_plain and not _speaks(header)):
        return "none", ""
    present = kinds.present(values)
    present = present.sample(SAMPLE, seed=0) if len(present) > SAMPLE else present
    text = present.cast(pl.String).str.strip_chars()
    if what := _named(header, text):
        return "personal", f"its name speaks of {what}"
    what = "" if text.str.contains(PLAIN).all() else _looks_like(header, text)
    return ("personal", f"its values look like {what}") if what else ("none", "")


def words(name: str) -> list[str]:
    """The words of a column's name, plain and in lower case, whatever separates them."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).casefold()
    if not apart.isascii():
        letters = unicodedata.normalize("NFKD", apart)
        apart = "".join(c for c in letters if not unicodedata.combining(c))
    return re.findall(r"[a-z]+", apart)


def are_places(text: pl.Series) -> bool:
    """Whether most of the different values are countries or states of one."""
    names = text.unique().str.to_lowercase().to_list()
    return sum(name in PLACES for name in names) >= 0.8 * len(names)


def _first(patterns: Mapping[str, str], header: str) -> str:
    """The first of these that a name speaks of; most names speak of none."""
    if not _any_of(*patterns.values()).search(header):
        return ""
    matches = (what for what, form in patterns.items() if _any_of(form).search(header))
    return next(matches, "")


@cache
def _any_of(*forms: str) -> re.Pattern[str]:
    """A pattern for whole words of any of these forms."""
    return re.compile(rf"\b(?:{'|'.join(forms)})\b")


def _speaks(header: str) -> bool:
    """Whether the name may say so."""
    written = _any_of(*CODES.values(), *TEXTS.values()).search(header)
    return bool(written or any(re.search(form, header) for form in (PHONE, NAME)))


def _named(header: str, text: pl.Series) -> str:
    """What the name says, unless the values speak against it."""
    if not _speaks(header):
        return ""
    code, written = _first(CODES, header), _first(TEXTS, header)
    phone, name = re.search(PHONE, header), re.search(NAME, header)
    few = len(text) >= NAMES and text.n_unique() <= FEW
    if few or _share(text, r"^[-+]?\d*[.,]\d+$") > 0.5:
        return ""
    if code:
        return code
    if phone and _share(text, r"(?:\d\D*){6}") > 0.5:
        return "a phone number"
    if _share(text, r"^[-+]?\d+$") > 0.5:
        return ""
    is_name = name and _share(text, r"^\p{Lu}[^\d]*$") >= 0.8
    if is_name and not are_places(text):
        return "a name"
    return written


def _looks_like(header: str, text: pl.Series) -> str:
    """What most values look like; an e-mail address may stand anywhere in a text."""
    many = text.n_unique() > FEW
    if text.str.contains(WRITTEN).any() and (what := _written(text, many)):
        return what
    varied = len(text) >= NAMES and text.n_unique() >= 0.8 * len(text)
    people = many and re.search(PEOPLE, header)
    may_be = (varied or people) and not re.search(THINGS, header)
    is_name = may_be and _share(text, NAMED) >= 0.9 and not are_places(text)
    return "persons' names" if is_name else ""


def _written(text: pl.Series, many: bool) -> str:
    """The same of what has digits in it, or a sign of mail."""
    if _share(text, r"\S@\w[\w.-]*\.\w|\+\d[\d ()/-]{7,}\d\b") >= 0.01:
        return "e-mail addresses or phone numbers"
    shares = _shares(text, LOOKS) if many else {}
    if alike := [what for what, share in shares.items() if share >= 0.8]:
        return alike[0]
    some = text.head(200).str.replace_all(r"[ -]", "")
    likely = _shares(some, {what: form for what, (form, _) in CHECKED.items()})
    for what, (_, holds) in CHECKED.items():
        if likely[what] >= 0.8 and sum(map(holds, some)) >= 0.8 * len(some):
            return what
    return ""


def _shares(text: pl.Series, forms: Mapping[str, str]) -> dict[str, float]:
    """The same for several forms at once."""
    counts = (pl.first().str.contains(form).sum().alias(what) for what, form in forms.items())
    row = text.to_frame().select(*counts).row(0, named=True)
    return {what: count / max(len(text), 1) for what, count in row.items()}


def _share(text: pl.Series, form: str) -> float:
    """Of so many values this is true."""
    return float(text.str.contains(form).sum()) / max(len(text), 1)


def _is_iban(value: str) -> bool:
    """Letters count from 10, and the number that the whole gives leaves 1 when divided by 97."""
    if not re.fullmatch(IBAN, value):
        return False
    return int("".join(str(int(c, 36)) for c in value[4:] + value[:4])) % 97 == 1


def _is_card(value: str) -> bool:
    """The check digit of Luhn."""
    if not re.fullmatch(CARD, value):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(value)))
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


CHECKED = {"IBANs": (f"^{IBAN}$", _is_iban), "card numbers": (f"^{CARD}$", _is_card)}
