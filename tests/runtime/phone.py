"""How a page looks on a phone, by a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from html import escape
from pathlib import Path
from typing import Any

import pytest

PHONE = 390
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", "--dump-dom")  # fmt: skip
# How wide the page is, and which texts of pictures stick out of them or lie upon each other.
MEASURE = """
<body><iframe style="width: {width}px; height: 9000px" srcdoc="{page}"></iframe><script>
onload = () => {{
  const inner = document.querySelector("iframe").contentDocument;
  const box = one => one.getBoundingClientRect();
  const apart = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) < 1
    || Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) < 2;
  const out = [], upon = [];
  for (const svg of inner.querySelectorAll("svg")) {{
    const texts = [...svg.querySelectorAll("text")], frame = box(svg);
    for (const [i, text] of texts.entries()) {{
      const place = box(text);
      if (place.left < frame.left - 2 || place.right > frame.right + 2
          || place.bottom > frame.bottom + 2) out.push(text.textContent);
      for (const other of texts.slice(i + 1))
        if (!apart(place, box(other))) upon.push(text.textContent + " | " + other.textContent);
    }}
  }}
  document.body.textContent = "measured"
    + JSON.stringify({{width: inner.documentElement.scrollWidth, out, upon}}) + "measured";
}};
</script></body>
"""


def find_browser() -> str:
    """A Chromium; where tests must not be left out, there has to be one."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine")
    assert found, "no Chromium on this machine: apt-get install chromium"
    return found


def measured(page: str, folder: Path) -> dict[str, Any]:
    """Its width in pixels, and the texts of its pictures that do not lie where they should."""
    (folder / "phone.html").write_text(MEASURE.format(width=PHONE, page=escape(page)), "utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    argv = [find_browser(), *QUIET, profile, (folder / "phone.html").as_uri()]
    done = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.split("measured")[1].replace("&amp;", "&"))
    return found
