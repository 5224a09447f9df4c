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
QUERY = re.compile(rf"([?&;#](?:{SECRETS})=)[^&;#{END}]+", re.IGNORECASE)
# Tokens that their issuers give a form of their own are seen wherever they stand.
TOKEN = re.compile(
    r"\b(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_\w{50,}|gl(?:pat|dt|rt|cbt|ptt)-[\w-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|pypi-[\w-]{50,}|xox[abeprs]-[A-Za-z0-9-]{10,})"
)


def has_credentials(text: str) -> bool:
    """Whether an address holds something secret."""
    return mask(text) != text


def mask(text: str) -> str:
    """A text in which nothing secret is left in addresses."""
    if "@" in text:
        text = USERINFO.sub(lambda m: f"{m[1] or m[2]}{HIDDEN}@", text)
        text = SCP.sub(f"{HIDDEN}@", text)
    text = TOKEN.sub(HIDDEN, text)
    return QUERY.sub(rf"\1{HIDDEN}", text) if "=" in text else text
