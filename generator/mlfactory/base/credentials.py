"""Credentials in addresses, as the library of factories sees them."""

from __future__ import annotations

from mlfactory_runtime.credentials import has_credentials, mask

__all__ = ["has_credentials", "mask"]
