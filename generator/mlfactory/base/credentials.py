"""Credentials in addresses: what they look like, and texts without them."""

from __future__ import annotations

import re

HIDDEN = "***"
WEB = r"(?:[\w+]+:)*(?:https?|ftps?)://"
END = r"\s'\"`<>"  # what no address has in it
# Of `scheme://user:password@host` the password; of the web also a name alone, which is how tokens
# are written. `ssh://git@host` and `git@host:path` name an account, and keep it.
USERINFO = re.compile(
    rf"({WEB})[^/?#{END}]*@"
    rf"|((?:[\w.+-]+:)?//)[^/?#{END}@:]*:(?!\d+(?:[/?#]|$))[^{END}@]*@(?:[^/?#{END}@]*@)*",
    re.IGNORECASE,
)
SCP = re.compile(rf"(?<![\w/.:+@-])[\w.-]+:[^/:@{END}]+@(?=[\w\[][\w.\]:-]*[:/])")
SECRETS = (
    r"[\w.-]*(?:token|secret|passw|pwd|(?:api|access|account|shared|storage|private)[-_]?key"
    r"|signature|credential)[\w.-]*|auth|authorization|bearer|jwt|key|sig|sas|pass"
)
# A setting of a driver may stand in an address with its signs written as %3B and %3D.
QUERY = re.compile(
    rf"((?:[?&;#]|%(?:3B|3F|26|23))(?:{SECRETS})(?:=|%3D))[^&;#{END}]+", re.IGNORECASE
)
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


def has_credentials(text: str) -> bool:
    """Whether an address holds something secret."""
    return without_secrets(text) != text


def mask(text: str) -> str:
    """A text in which nothing secret is left in addresses and headers."""
    return HEADER.sub(rf"\1{HIDDEN}", without_secrets(text))


def without_secrets(text: str) -> str:
    """The same, of addresses and tokens only."""
    if "@" in text:
        text = USERINFO.sub(lambda m: f"{m[1] or m[2]}{HIDDEN}@", text)
        text = SCP.sub(f"{HIDDEN}@", text)
    text = TOKEN.sub(HIDDEN, text)
    return QUERY.sub(rf"\1{HIDDEN}", text) if "=" in text or "%3" in text else text
