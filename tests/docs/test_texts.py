"""Everything that a person reads goes through gettext, and messages.pot has all of it."""

import re
import string
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, nodes

from fieldservice.paths import TEMPLATES

ROOT = Path(__file__).parents[2]
TRANSLATIONS = ROOT / "fieldservice" / "translations"
ENVIRONMENT = Environment(loader=FileSystemLoader(TEMPLATES), extensions=["jinja2.ext.i18n"])
NAMES = [
    name for name in ENVIRONMENT.list_templates() if name != "_macros/timeline.html"
]  # makes class names
GETTEXT = {"_", "gettext", "ngettext"}
READ_ALOUD = {"aria-label", "aria-description", "title", "placeholder", "alt"}
BUTTONS = {"submit", "button", "reset"}
ATTRIBUTE = re.compile(r'\s(data-[a-z-]+|[a-z-]+="[^"]*")(?=\s|$)')
TECHNICAL = re.compile(r"^[a-z0-9_./:%#|=&?+-]*$")  # names of icons, classes, templates, addresses, formats


def _has_letters(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]", text))


def _literal(source: str) -> str:
    """What a template writes as it stands: no tags, comments, translations, blocks of class names."""
    kept: list[str] = []
    tag: list[str] | None = None
    until = ""
    for _, kind, value in ENVIRONMENT.lex(source):
        if kind == "block_begin":
            tag = []
        elif kind == "block_end" and tag is not None:
            until = "" if tag[0] == until else until or _end_of_unread(tag)
            tag = None
        elif tag is not None and kind == "name":
            tag.append(value)
        elif kind == "data" and not until:
            kept.append(value)
    return "".join(kept)


def _end_of_unread(tag: list[str]) -> str:
    """The tag up to which the text after this one is not the template's own words; empty for most tags."""
    if tag[0] == "block" and tag[1].endswith("_class"):
        return "endblock"
    return "endtrans" if tag[0] == "trans" else ""


class _Reader(HTMLParser):
    """Collects what a person sees or hears of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in ("script", "style")
        read = READ_ALOUD | ({"value"} if tag == "input" and dict(attrs).get("type") in BUTTONS else set())
        self.found += [value for name, value in attrs if name in read and value and _has_letters(value)]

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        # a macro may write the attributes of a tag that is opened elsewhere
        text = ATTRIBUTE.sub("", " " + data)
        if not self._unread and _has_letters(text):
            self.found.append(text.strip())


def visible_text(source: str) -> list[str]:
    """The words that a template shows in one language for ever."""
    reader = _Reader()
    reader.feed(_literal(source))
    reader.close()
    return reader.found


def untranslated_strings(source: str) -> list[str]:
    """String constants of a template that look like words, unless gettext or a comparison gets them."""

    def walk(node: nodes.Node) -> Iterator[str]:
        if isinstance(node, nodes.Compare | nodes.Test | nodes.Filter | nodes.Getitem):
            return
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in GETTEXT:
            for keyword in node.kwargs:
                yield from walk(keyword)
            return
        if isinstance(node, nodes.Const) and isinstance(node.value, str) and _is_wording(node.value):
            yield node.value
        for child in node.iter_child_nodes():
            yield from walk(child)

    return list(walk(ENVIRONMENT.parse(source)))


def _is_wording(text: str) -> bool:
    words = [word for word in text.split() if not TECHNICAL.match(word)]
    return any(word[0] in string.ascii_uppercase for word in words)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p>{{ _("Hello") }} {% trans %}you{% endtrans %} · 5</p>', []),
        ('<a aria-label="Close" title="{{ x }}">{# a comment #}</a>', ["Close"]),
        ('<input type="submit" value="Send"><input type="hidden" value="yes">', ["Send"]),
        ('<b{% if x %} class="a"{% endif %}>{{ y }}</b><style>p { margin: 0 }</style>', []),
        ('class="map" data-map data-zoom="{{ zoom }}"', []),
        ("{% block body_class %}phone{% endblock %}{% block text %}Hello{% endblock %}", ["Hello"]),
    ],
)
def test_the_reader_finds_bare_words(source, found):
    """The check sees what it is made for, and nothing else."""
    assert visible_text(source) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('{{ "Late" if x else _("On time") }}', ["Late"]),
        ('{{ ui.tag("Pinned", "ok", "lock") }}', ["Pinned"]),
        ('{{ _("%(a)s left", a="Nobody" if x else y) }}', ["Nobody"]),
        ('{{ "btn btn-primary" if field.type == "RadioField" else "form-control" }}', []),
    ],
)
def test_the_walker_finds_bare_constants(source, found):
    """Words in an expression count as well, unless gettext gets them or they are only compared."""
    assert untranslated_strings(source) == found


@pytest.mark.parametrize("name", NAMES)
def test_every_visible_text_goes_through_gettext(name):
    """No template has words of its own, in its text, in what is read aloud, or in an expression."""
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    assert visible_text(source) + untranslated_strings(source) == []


def test_messages_pot_is_current(tmp_path):
    """The catalogue for translators has exactly the texts of the code; `make messages` writes it."""
    subprocess.run([sys.executable, "scripts/messages.py", tmp_path], cwd=ROOT, check=True)
    found, kept = (_texts(folder / "messages.pot") for folder in (tmp_path, TRANSLATIONS))
    assert found - kept == set(), "run `make messages`"
    assert kept - found == set(), "run `make messages`"


def _texts(path: Path) -> set[str | tuple[str, ...]]:
    with path.open("rb") as file:
        messages = [message.id for message in read_po(file) if message.id]
    return {tuple(text) if isinstance(text, list) else text for text in messages}
