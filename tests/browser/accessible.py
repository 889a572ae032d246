"""What axe finds on a page that is open: in light and dark, at three widths, without loading it again."""

from __future__ import annotations

from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDTHS = (320, 390, 1280)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_STILL = """() => {
  const still = new CSSStyleSheet();
  still.replaceSync('*, *::before, *::after { transition: none !important; animation: none !important }');
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
}"""
"""Colours change at once with the theme, not while axe looks."""
_RUN = """async () => {
  const found = await axe.run({resultTypes: ['violations'], elementRef: false});
  const faults = found.violations.map(each => [each.id, each.nodes.map(node => node.html)]);
  const wide = document.documentElement.scrollWidth;
  return wide > window.innerWidth ? [...faults, ['wider than the screen', wide]] : faults;
}"""


def require_accessible(page: Page, *widths: int) -> None:
    """axe finds nothing on what is open, in light and in dark, at the page's own width or at others in px."""
    own = (page.viewport_size or {"width": WIDTHS[-1]})["width"]
    found = faults(page, widths=widths or (own,))
    assert not found, found


def faults(page: Page, *, widths: tuple[int, ...] = WIDTHS) -> list[object]:
    """Faults with theme and width, and where the page scrolls sideways; axe is loaded once for a page.

    The page has its own width and theme again afterwards.
    """
    before = page.viewport_size
    height = (before or {"height": 844})["height"]
    if not page.evaluate("'axe' in window"):
        page.evaluate(_STILL)
        page.evaluate(AXE_SCRIPT)
    found: list[object] = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for width in widths:
            page.set_viewport_size({"width": width, "height": height})
            found += [(page.url, theme, width, fault) for fault in page.evaluate(_RUN)]
    page.emulate_media(color_scheme="light")
    if before is not None:
        page.set_viewport_size(before)
    return found
