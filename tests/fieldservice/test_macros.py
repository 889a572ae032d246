"""Form parts as people and screen readers meet them: errors are tied to their fields."""

import re
from pathlib import Path
from typing import Any

import pytest
import wtforms
from jinja2 import Environment, FileSystemLoader
from werkzeug.datastructures import MultiDict
from wtforms import SelectChoice, validators

from fieldservice.assets import Assets
from fieldservice.paths import TEMPLATES


class AddressForm(wtforms.Form):
    street = wtforms.StringField("Street address", [validators.InputRequired("Enter a street address")])
    unit = wtforms.StringField("Apartment or unit")
    entry = wtforms.RadioField(
        "How do we get in?",
        [validators.InputRequired("Tell us how to get in")],
        choices=[SelectChoice("home", "Someone will be home"), SelectChoice("code", "Use a code")],
    )


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """The macros with a small build and untranslated texts."""
    (tmp_path / "manifest.json").write_text(
        '{"files": {"icons.svg": "icons.svg"}, "icons": ["check-lg", "exclamation-circle-fill"]}',
        encoding="utf-8",
    )
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, extensions=["jinja2.ext.i18n"]
    )
    environment.install_null_translations(newstyle=True)
    Assets(tmp_path).install(environment)
    return environment


def render(environment: Environment, source: str, **values: Any) -> str:
    imports = '{% from "_macros/form.html" import field, choices, error_summary %}'
    return environment.from_string(imports + source).render(**values)


@pytest.fixture
def refused() -> AddressForm:
    """A form that was sent empty."""
    form = AddressForm(MultiDict({"street": ""}))
    assert not form.validate()
    return form


def test_the_summary_links_to_every_faulty_field(environment: Environment, refused: AddressForm) -> None:
    """Each message of the summary leads to an element of the page, also for a group of choices."""
    page = render(
        environment,
        "{{ error_summary(form) }}{{ field(form.street) }}{{ choices(form.entry) }}",
        form=refused,
    )
    targets = re.findall(r'<li><a href="#([\w-]+)">', page)
    assert targets == ["street", "entry-0"]
    assert all(f'id="{target}"' in page for target in targets)


def test_a_faulty_field_says_so_to_screen_readers(environment: Environment, refused: AddressForm) -> None:
    """Hint and message are both read with the field, under ids that exist."""
    page = render(environment, "{{ field(form.street, 'House number first.') }}", form=refused)
    assert 'aria-invalid="true"' in page
    described = re.search(r'aria-describedby="([^"]+)"', page)
    assert described is not None
    assert described[1].split() == ["street-hint", "street-error"]
    assert all(f'id="{part}"' in page for part in described[1].split())
    assert "Enter a street address" in page


def test_a_form_without_errors_has_no_summary(environment: Environment) -> None:
    """Nothing red is shown before something went wrong."""
    assert "error" not in render(
        environment, "{{ error_summary(form) }}{{ field(form.street) }}", form=AddressForm()
    )


def test_optional_fields_are_marked_and_required_ones_are_not(environment: Environment) -> None:
    """People see which answers they may leave out."""
    form = AddressForm()
    assert "(optional)" in render(environment, "{{ field(form.unit) }}", form=form)
    assert "(optional)" not in render(environment, "{{ field(form.street) }}", form=form)


def test_hostile_input_stays_text(environment: Environment) -> None:
    """A value with markup comes back as it was typed and runs nothing."""
    form = AddressForm(MultiDict({"street": '"><script>alert(1)</script>'}))
    assert "<script>" not in render(environment, "{{ field(form.street) }}", form=form)


def test_nothing_is_chosen_unless_the_form_says_so(environment: Environment) -> None:
    """A window is never preselected; a stored answer is."""
    assert "checked" not in render(environment, "{{ choices(form.entry) }}", form=AddressForm())
    chosen = render(environment, "{{ choices(form.entry) }}", form=AddressForm(data={"entry": "code"}))
    assert re.findall(r'value="(\w+)" checked', chosen) == ["code"]
