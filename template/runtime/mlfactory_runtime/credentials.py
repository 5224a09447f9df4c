"""Credentials in addresses: what they look like, and texts without them."""

import re
from functools import partial
from urllib.parse import unquote

HIDDEN = "***"
# Of the web, and of what has no accounts, a name alone is a token; programs mend their slashes.
WEB = r"(?:(?:https?|ftps?|webdavs?):[/\\]*|rediss?://)"
END = r"\s'\"`<>"  # what no address has in it
# Of `scheme://user:password@host` the password. `ssh://git@host` and `git@host:path` name an
# account, and keep it.
USERINFO = re.compile(
    rf"({WEB})[^/?#{END}]*@"
    rf"|(//|(?<=\w\w:)/)[^/?#{END}@:]*:(?!\d+(?:[/?#]|$))[^{END}@]*@(?:[^/?#{END}@]*@)*",
    re.IGNORECASE,
)
SCP = re.compile(rf"(?<![\w/.:+@-])[\w.-]+:[^/:@{END}]+@(?=[\w\[][\w.\]:-]*[:/])")
ORACLE = re.compile(r"(jdbc:\w+(?::\w+)?:[\w.-]+/)[^\s/@]+(?=@)", re.IGNORECASE)
# An address within another one, and its password.
ENCODED = re.compile(
    rf"(%3A(?:%2F|/){{2}})(?:(?!%3A|%40)[^&;#{END}@]){{1,200}}"
    rf"%3A(?:(?!%40)[^&;#{END}@]){{1,200}}(?:%40|@)",
    re.IGNORECASE,
)
SECRETS = re.compile(
    r".*(?:token|secret|passw|passphrase|pwd|signature|credential|(?:api|access|account|shared"
    r"|storage|private|subscription|licen[sc]e|encryption(?:[-_]?customer)?|master)[-_]?key).*"
    r"|(?:.*[^a-z])?(?:auth|authorization|bearer|jwt|sig|sas|pass|pat|pw|otp|hmac)"
    r"|key|oauth\w*|session[-_]?id|delegation",
    re.IGNORECASE,
)
# A setting of a driver may stand in an address with its signs written as %3B and %3D.
QUERY = re.compile(
    rf"((?:[?&;#]|%(?:3B|3F|26|23))(?P<name>(?:(?!%(?:3B|3F|26|23|3D))[^=?&;#{END}]){{1,80}})"
    rf"(?:=|%3D))(?P<value>[^&;#{END}]+)",
    re.IGNORECASE,
)
# How drivers are told a password beside an address: `host=a password=b`, `PWD=b;UID=a`.
WORD = re.compile(
    rf"((?<![^\s'\"`(])(?:password|passwd|pwd|passphrase)\s?=\s?)[^;{END}]+", re.IGNORECASE
)
# What is named by no word that is known, and looks like nothing but a key: digits here and there.
RANDOM = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=(?:\D*\d+\D){2})[\w+=~]{24,}")
PLACE = re.compile(
    r"(?:.*[^a-z])?(?:ref|branch|commit|version(?:[-_]?id)?|path|filter)", re.IGNORECASE
)
DEEP = 5  # so many settings within each other are looked into
# What git and others print of the headers that they send.
HEADER = re.compile(
    r"((?:authorization|(?:private|job|deploy)-token|x-api-key)['\"]?\s*[:=]\s*['\"]?"
    r"(?:(?:bearer|basic|token)\s+)?)[^\s'\",;&#]+",
    re.IGNORECASE,
)
# Tokens that their issuers give a form of their own are seen wherever they stand.
TOKEN = re.compile(
    r"\b(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{50,}"
    r"|gl(?:pat|dt|rt|cbt|ptt|oas|ft|imt|agent|soat|ffct)-[\w.-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|pypi-[\w-]{50,}|npm_[A-Za-z0-9]{36,}|(?:xox[abeprs]|xapp)-[\w-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}\b|AIza[\w-]{35}|sk-(?:[a-z0-9]+-)?[A-Za-z0-9_]{32,}|dop_v1_[a-f0-9]{64}"
    r"|ATATT3[\w=-]{40,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)


# In an address that stands alone, a password may hold what ends one in a text.
SPACED = re.compile(r"[\w+.:-]*://[^/?#@:]*:[^/?#@]*@")


def has_credentials(text: str) -> bool:
    """Whether an address holds something secret: as it stands, and as programs read it."""
    plain = unquote(text)
    return without_secrets(text) != text or bool(SPACED.match(plain) or SPACED.match(text))


def mask(text: str) -> str:
    """A text in which nothing secret is left in addresses and headers."""
    return HEADER.sub(rf"\1{HIDDEN}", without_secrets(text))


def without_secrets(text: str) -> str:
    """The same, of addresses and tokens only."""
    if "@" in text:
        text = USERINFO.sub(lambda m: f"{m[1] or m[2]}{HIDDEN}@", text)
        text = SCP.sub(f"{HIDDEN}@", text)
    text = ORACLE.sub(rf"\1{HIDDEN}", TOKEN.sub(HIDDEN, text))
    if "=" not in text and "%3" not in text:
        return text
    text = ENCODED.sub(rf"\1{HIDDEN}@", text)
    return WORD.sub(rf"\1{HIDDEN}", QUERY.sub(setting, text))


def setting(match: re.Match[str], depth: int = 0) -> str:
    """A part of a query, without its value if that is secret; it may hold more of them."""
    name, value = unquote(match["name"]), match["value"]
    is_secret = any(SECRETS.fullmatch(word) for word in re.split(r"[\[\]]+", name))
    is_secret |= bool(RANDOM.fullmatch(value)) and not PLACE.fullmatch(name)
    if is_secret or (depth == DEEP and QUERY.search(value)):
        return f"{match[1]}{HIDDEN}"
    return f"{match[1]}{QUERY.sub(partial(setting, depth=depth + 1), value)}"
