"""What every page has to stand: light and dark, three widths, no accessibility fault, no scrolling sideways.

One page is looked at six times without loading it again. The program that looks is given to it once, and
asked for faults alone: telling what is fine takes it most of its time. What dark changes are colours, so all
other rules are looked at in light.
"""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

WIDTHS = (320, 390, 1280)
HEIGHT = 844
_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_RUN = """async (rules) => {
  const only = rules ? { runOnly: { type: "rule", values: rules } } : {};
  const found = await axe.run(document, { resultTypes: ["violations"], ...only });
  return found.violations.map((fault) => [fault.id, fault.nodes.map((node) => node.html)]);
}"""
_SETTLE = """() => {
  for (const moving of document.getAnimations()) {
    if (moving.effect.getComputedTiming().endTime !== Infinity) moving.finish();
  }
}"""
OF_COLOUR = ["color-contrast", "link-in-text-block"]


def faults(page: Page, rules: list[str] | None = None) -> list[list[object]]:
    """The violations of all rules, or of some, on the page as it is now: the rule, and where."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(_AXE)
    found: list[list[object]] = page.evaluate(_RUN, rules)
    return found


def see(page: Page) -> None:
    """Look at the page in light and dark at every width, and leave it as it was. Fails with the faults."""
    before = page.viewport_size
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in reversed(WIDTHS):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.evaluate(_SETTLE)  # colours that are on their way are no fault
            where = f"{page.url} {scheme} {width}"
            found = faults(page, OF_COLOUR if scheme == "dark" else None)
            assert found == [], f"{where}: {found}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, where
    page.emulate_media(color_scheme="light")
    if before is not None:
        page.set_viewport_size(before)
