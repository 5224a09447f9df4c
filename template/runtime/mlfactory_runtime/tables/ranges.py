"""Numbers of which only a range is told: `2-10`, `over 100`, `65+`, `< 0.1`, `(0, 10]`."""

from collections.abc import Callable

import polars as pl

RANGE = "1-2"  # in a column's `format`: such values stand among its numbers
TO = (
    r"-|\u2013|\u2014|\u301c|\uff5e|~|\.\.\.?|to|bis|à|au|and|und|et|hasta|\s[aeiy]\s|até|tot|t/m|do"
    "|till|til|から"
)
FROM = "between|zwischen|entre|tra|tussen|da|von|from|de|van|od|från|fra"
NEAR = (
    "~|≈|ca\\.|circa|approx\\.?|approximately|about|around|etwa|rund|env\\.|environ|unos|aprox\\."
)
ABOVE = (
    "over|above|more than|greater than|at least|from|über|mehr als|mindestens|ab|plus de|au moins"
    "|más de|mas de|al menos|desde|oltre|più di|almeno|mais de|acima de|meer dan|minstens"
    "|(?:older|higher|larger|longer|bigger) than|(?:älter|größer|höher|länger) als|exceeding|beyond"
    "|(?:ouder|groter|hoger|langer) dan|vanaf|boven|mayor(?:es)? (?:de|que)|maggiore di|maior que"
    "|plus grand que|à partir de|a partir d[ei]|powyżej|ponad|więcej niż|od|över|mer än|minst"
)
BELOW = (
    "under|below|less than|fewer than|up to|at most|unter|weniger als|höchstens|bis zu|bis|moins de"
    "|jusqu'à|menos de|hasta|meno di|fino a|até|abaixo de|minder dan|tot"
    "|(?:younger|lower|smaller|shorter) than|(?:jünger|kleiner|niedriger|kürzer) als|onder"
    "|(?:jonger|kleiner|lager|korter) dan|menor(?:es)? (?:de|que)|minore di|plus petit que|sous"
    "|poniżej|mniej niż|do|mindre än|högst|up to and including|no more than|not more than"
)
MORE = (
    r"\+|plus|(?:or|and|oder|und|et|ou|y|o|e|of|en|lub|i|och|eller) (?:more|over|above|older|up"
    "|higher|longer|mehr|älter|höher|länger|darüber|plus|más|mas|oltre|più|mais|meer|ouder|hoger"
    "|więcej|mer|äldre)|以上|超|以降"
)
LESS = (
    "(?:or|and|oder|und|et|ou|y|o|e|of|en|lub|i|och|eller) (?:less|fewer|under|below|younger"
    "|lower|shorter|weniger|jünger|niedriger|darunter|moins|menos|meno|minder|jonger|lager|mniej"
    "|mindre|yngre)|以下|未満"
)
COUNTED = "[人歳才名個件回台円元点本枚社명개세살원]$"  # 10人以上: ten persons or more
TEXTS = (
    rf"(?i)^(?:(?:{FROM}) )?(\D{{0,4}}\d(?:.*\d)?)\s*(?:{TO})\s*(\D{{0,4}}\d.*)$",
    r"^[\[(]\s*([-+]?\d[^,;]*)[,;]\s*([-+]?\d.*?)\s*[\])]$",
)
UP = (rf"(?i)^(?:>=?|≥|{ABOVE})\s*(\D{{0,4}}\d.*)$", rf"(?i)^(\D{{0,4}}\d.*?)\s*(?:{MORE})$")
DOWN = (rf"(?i)^(?:<=?|≤|{BELOW})\s*(\D{{0,4}}\d.*)$", rf"(?i)^(\D{{0,4}}\d.*?)\s*(?:{LESS})$")
ABOUT = (rf"(?i)^(?:{NEAR})\s*(\D{{0,4}}\d.*)$",)
Read = Callable[[pl.Series], pl.Series]


def numbers_of(values: pl.Series, read: Read) -> pl.Series:
    """A number in the place of each range, or null; `read` reads the numbers in it.

    Between two ends it is the middle. Where there is one end N, it is half of N beyond it (and one
    half where N is 0), so that the order is right and a limit of detection is halved, as is usual.
    """
    numbers = pl.Series(values.name, [None], dtype=pl.Float64).new_from_index(0, len(values))
    for pattern in TEXTS:
        low, high = (read(end_of(values, pattern, place)) for place in (1, 2))
        numbers = first(numbers, ((low + high) / 2).set(~(low < high), None))
    for patterns, sign in ((ABOUT, 0), (UP, 1), (DOWN, -1)):
        for pattern in patterns:
            end = read(end_of(values, pattern, 1))
            numbers = first(numbers, end + sign * end.abs().set(end == 0, 1.0) / 2)
    return numbers


def end_of(values: pl.Series, pattern: str, place: int) -> pl.Series:
    """One end of each range, as text without what is counted."""
    return values.str.extract(pattern, place).str.replace(COUNTED, "")


def first(one: pl.Series, other: pl.Series) -> pl.Series:
    """The one, and where it is null the other."""
    return one.zip_with(one.is_not_null(), other)
