"""Text of others where people look at it: what would steer their terminal is made to be seen."""

import re

# Control characters but for tab and line feed, those that turn the direction of text, tags, which
# programs read and nobody sees, and halves of characters, which no stream takes.
STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u206f"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with each such character as Python writes it."""
    return STEERING.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def escaped(text: str) -> str:
    """JSON with each such character as JSON writes it: it reads back the same."""
    return STEERING.sub(as_units, text)


def as_units(sign: re.Match[str]) -> str:
    """A character by its number, or by two where one is not enough."""
    units = sign[0].encode("utf-16-be", "surrogatepass").hex()
    return re.sub("(....)", r"\\u\1", units)


def plain(text: str) -> str:
    """Text from data, in which nothing is markup, a mention or a number of an issue."""
    escaped = re.sub(r"([\\`*_{}\[\]<>|~&])", r"\\\1", " ".join(text.split()))
    return re.sub("([@#])", "\\1\u200b", escaped)
