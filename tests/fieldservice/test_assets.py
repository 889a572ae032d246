"""What every page stands on: readable colours, templates that the content policy accepts, built files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from fieldservice.assets import Assets, MissingBuildError, UnknownAssetError
from fieldservice.paths import TEMPLATES

FRONTEND = TEMPLATES.parent / "frontend"
TOKENS = json.loads((FRONTEND / "tokens.json").read_text(encoding="utf-8"))
ICONS = json.loads((FRONTEND / "icons.json").read_text(encoding="utf-8"))
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if "email" not in path.relative_to(TEMPLATES).parts)
STYLES = sorted((FRONTEND / "src").rglob("*.css"))

INLINE = {
    "style attribute": re.compile(r"<[a-z][^>]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "event attribute": re.compile(r"<[a-z][^>]*\s(?:on[a-z]+|hx-on[:\w-]*)\s*=", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE),
    "script address": re.compile(r"\b(?:href|src|action)\s*=\s*[\"']?\s*javascript:", re.IGNORECASE),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(TEMPLATES.parent))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def template_text(path: Path) -> str:
    """The template without its comments, which may show what must not be written."""
    return re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def icon_names(text: str) -> Iterator[str]:
    """Icons that a template names: in a call of icon(), as an argument, or in a mapping of icons."""
    yield from re.findall(r"\bicon\(\s*[\"']([\w-]+)[\"']", text)
    yield from re.findall(r"\bicon_name\s*=\s*[\"']([\w-]+)[\"']", text)


@pytest.mark.parametrize(("front", "ground", "least"), TOKENS["contrast"])
def test_colours_can_be_read_on_their_ground(front: str, ground: str, least: float) -> None:
    """Each pair that a part uses has the contrast WCAG asks for, in the light and in the dark theme."""
    for theme in (0, 1):
        measured = contrast(TOKENS["colors"][front][theme], TOKENS["colors"][ground][theme])
        assert measured >= least, f"{front} on {ground}: {measured:.2f}"


def test_contrast_is_computed_as_wcag_does() -> None:
    """Black on white is 21 to 1, and a grey known to fail fails: the check above can refuse."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#999999", "#FFFFFF") < 4.5


@pytest.mark.parametrize("path", STYLES, ids=name_of)
def test_styles_use_tokens_that_exist(path: Path) -> None:
    """A misspelt token would silently fall back to the inherited colour."""
    known = {f"--co-{name}" for name in (*TOKENS["colors"], *TOKENS["sizes"])}
    used = set(re.findall(r"var\((--co-[\w-]+)", path.read_text(encoding="utf-8")))
    assert used <= known


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_page_needs_inline_style_or_script(path: Path) -> None:
    """The Content-Security-Policy refuses inline code, so a template that has any would lose it unseen."""
    text = template_text(path)
    assert [rule for rule, pattern in INLINE.items() if pattern.search(text)] == []


@pytest.mark.parametrize(
    "markup",
    [
        '<p class="a" style="color: red">',
        "<style>p { color: red }</style>",
        '<a href="#" onclick="go()">',
        '<div hx-on:click="go()">',
        "<script>go()</script>",
        '<a href="javascript:go()">',
    ],
)
def test_the_lint_finds_inline_code(markup: str) -> None:
    """The rules above are not blind: each kind of inline code is found."""
    assert any(pattern.search(markup) for pattern in INLINE.values())


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_icons_are_in_the_sprite(path: Path) -> None:
    """Each icon that a template names is one that the build puts into the sprite."""
    assert set(icon_names(template_text(path))) <= set(ICONS)


def test_the_list_of_icons_is_sorted_and_has_each_once() -> None:
    """Two people adding icons get a conflict they can see instead of a doubled symbol."""
    assert sorted(set(ICONS)) == ICONS


@pytest.fixture
def built(tmp_path: Path) -> Assets:
    """A build with one style sheet and one icon."""
    manifest = {"files": {"app.css": "app.1a2b.css", "icons.svg": "icons.3c4d.svg"}, "icons": ["fire"]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return Assets(tmp_path)


def test_an_asset_has_the_address_of_its_hashed_file(built: Assets) -> None:
    """A changed file gets a new address, so browsers may keep the old one for ever."""
    assert built.url("app.css") == "/static/vendor/app.1a2b.css"


def test_an_icon_points_into_the_sprite(built: Assets) -> None:
    """An icon needs no inline style and says nothing to a screen reader; its class cannot break out."""
    assert built.icon("fire") == (
        '<svg class="icon " aria-hidden="true"><use href="/static/vendor/icons.3c4d.svg#fire"></use></svg>'
    )
    assert "<script>" not in built.icon("fire", '"><script>')


def test_unknown_names_are_refused(built: Assets) -> None:
    """A typing error in a template fails in its first test, not as a missing picture at a customer's."""
    with pytest.raises(UnknownAssetError, match=r"app\.js"):
        built.url("app.js")
    with pytest.raises(UnknownAssetError, match="water"):
        built.icon("water")


def test_a_missing_build_says_what_to_do(tmp_path: Path) -> None:
    """Nothing is read before the first use, so commands run without a build; a page names the command."""
    assets = Assets(tmp_path)
    with pytest.raises(MissingBuildError, match="make setup"):
        assets.url("app.css")


def test_templates_get_the_two_functions(built: Assets) -> None:
    """Templates write asset() and icon() without importing anything, inside macros as well."""
    environment = Environment(autoescape=True)
    built.install(environment)
    page = environment.from_string(
        "{% macro m() %}{{ icon('fire') }}{% endmacro %}{{ asset('app.css') }} {{ m() }}"
    )
    assert page.render().startswith('/static/vendor/app.1a2b.css <svg class="icon')


def test_a_time_becomes_classes() -> None:
    """The board places 10:25 for 90 minutes by classes, because no page carries a style attribute."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    timeline = environment.get_template("_macros/timeline.html").module
    assert str(timeline.spot(625, 90)) == "timed at-h10 at-m25 for-h1 for-m30"
    assert str(timeline.shows(450, 630)) == "from-h7 from-m30 span-h10 span-m30"
