"""Every template compiles, refers to what exists, and needs no inline script or style."""

import re

import pytest
from jinja2 import Environment, FileSystemLoader, meta

from fieldservice.language import titled, written
from fieldservice.paths import TEMPLATES

ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"]
)
ENVIRONMENT.filters.update(titled=titled, written=written, phone=str, where=str)
EMAIL = "email/"
NAMES = ENVIRONMENT.list_templates()
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*\btype=\"application/json\")[^>]*>|<style\b|\sstyle=|\son[a-z]+=|javascript:"
)


def test_there_are_templates():
    """The folder that the product reads is the one that is tested."""
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_compiles(name):
    """The template has no syntax error."""
    ENVIRONMENT.get_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_refers_to_templates_that_exist(name):
    """What it extends, includes and imports is there."""
    folder = EMAIL if name.startswith(EMAIL) else ""  # e-mails are rendered from their own folder
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    referred = meta.find_referenced_templates(ENVIRONMENT.parse(source))
    assert {folder + other for other in referred if other is not None} - set(NAMES) == set()


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(EMAIL)])
def test_has_no_inline_script_or_style(name):
    """The content security policy would refuse it; e-mails, which have no such policy, are left out."""
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    assert INLINE.findall(re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)) == []
