"""Pictures of a report for these pages, by a real Chromium.

    python docs/picture.py runs/atlas/eval/atlas-dev-3fa9c1d2/report.html

docs/images/report.png is its first screen on a desk, report-phone.png on a phone at night.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"


def main(page: Path) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, width, height, scheme in (("report", 1280, 1400, "light"), ("report-phone", 390, 844, "dark")):
            tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            tab.goto(page.resolve().as_uri())
            tab.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
