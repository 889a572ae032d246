"""Every rule of the site, every method, every kind of person: `table.txt` says what each is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask
from time_machine import Traveller
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from fieldservice.auth import limits
from fieldservice.db import Database
from fieldservice.web import Services
from tests.matrix.world import (
    ACTORS,
    MAY_SEE_THE_CUSTOMER,
    SECRETS,
    STAFF,
    Browser,
    World,
    dump,
    make_browsers,
    make_world,
)

SAFE = ("GET", "HEAD", "OPTIONS")
SIGN_IN = "login"
SIGNED = ("/hooks/", "/api/")  # a secret that no browser has proves who calls
PROTECTION = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control")
FORBIDDEN_INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>|<style\b|<[^>]*\s(?:style|on[a-z]+)=\"[^>]*>")


class Row(NamedTuple):
    """One line of the table."""

    method: str
    rule: str
    answers: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def read_table() -> list[Row]:
    """The lines of `table.txt` that are neither empty nor comments."""
    lines = (Path(__file__).parent / "table.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    assert rows[0][2:] == list(ACTORS), "the table's columns are the actors"
    return [Row(method, rule, dict(zip(ACTORS, cells, strict=True))) for method, rule, *cells in rows[1:]]


TABLE = read_table()
UNSAFE_ROWS = [row for row in TABLE if row.method not in SAFE]


@dataclass
class Site:
    """The application with the world in its database and a browser for each actor."""

    app: Flask
    db: Database
    world: World
    browsers: dict[str, Browser]

    def ask(self, row: Row, actor: str) -> TestResponse:
        """The actor's request for the row's rule."""
        path = self.path(row.rule, self.world.values(row.rule, actor))
        return self.browsers[actor].send(row.method, path, self.world.form(row.rule))

    @staticmethod
    def path(rule: str, values: dict[str, object]) -> str:
        """The rule with its variable parts filled in."""
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda part: str(values[part[1]]), rule)


@pytest.fixture
def site(app: Flask, services: Services, clock_at_now: Traveller) -> Site:
    """The whole product over a small company; the limits on how often one may ask are lifted."""
    app.config.update(dict.fromkeys(limits.DEFAULTS, "100000/minute"))
    world = make_world(services)
    return Site(app, services.db, world, make_browsers(app, services.db, world))


def _rules(app: Flask) -> Iterator[tuple[str, Rule]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule


def _outcome(answer: TestResponse) -> str:
    if answer.status_code == 302 and (answer.location or "").startswith("/login?next="):
        return SIGN_IN
    return str(answer.status_code)


def _told(answer: TestResponse) -> list[str]:
    """What of the customer an answer gives away."""
    return [secret for secret in SECRETS if secret in answer.text or secret in str(answer.headers)]


def _faults(answer: TestResponse) -> list[str]:
    """What the protective headers lack, and what they would make the browser refuse."""
    lacking = [name for name in PROTECTION if name not in answer.headers]
    return lacking + (FORBIDDEN_INLINE.findall(answer.text) if answer.mimetype == "text/html" else [])


def _unequal(app: Flask) -> set[tuple[str, str]]:
    """Rules without a row, and rows without a rule."""
    return {(row.method, row.rule) for row in TABLE} ^ {(method, rule.rule) for method, rule in _rules(app)}


def test_every_rule_has_a_row_and_every_row_a_rule(app: Flask) -> None:
    """A route that is added without saying who may use it fails here."""
    assert _unequal(app) == set()
    assert len(TABLE) == len({(row.method, row.rule) for row in TABLE})


def test_a_forgotten_rule_would_be_found(app: Flask) -> None:
    """The control: a rule that nobody wrote into the table is noticed."""
    app.add_url_rule("/forgotten", "forgotten", lambda: "", methods=["POST"])
    assert _unequal(app) == {("POST", "/forgotten")}


def test_a_view_without_protection_would_be_found(site: Site) -> None:
    """The control: when a view loses its guard, a stranger sees the customer, and the matrix notices both."""
    row = next(row for row in TABLE if row.rule == "/board/visits/<int:visit_id>/move")
    endpoint = next(rule.endpoint for _, rule in _rules(site.app) if rule.rule == row.rule)
    guarded = site.app.view_functions[endpoint]
    site.app.view_functions[endpoint] = guarded.__wrapped__  # type: ignore[attr-defined]
    answer = site.ask(row, "nobody")
    assert _outcome(answer) != row.answers["nobody"]
    assert _told(answer)


def test_reading(site: Site) -> None:
    """Each person gets each page as the table says, with its headers; nothing leaks, nothing is written."""
    before = dump(site.db)
    wrong = []
    for row in (row for row in TABLE if row.method in SAFE):
        for actor in ACTORS:
            answer = site.ask(row, actor)
            if _outcome(answer) != row.answers[actor]:
                wrong.append(f"{row}: {actor} gets {_outcome(answer)}, not {row.answers[actor]}")
            if actor not in MAY_SEE_THE_CUSTOMER and (told := _told(answer)):
                wrong.append(f"{row}: {actor} is told {told}")
            if faults := _faults(answer):
                wrong.append(f"{row}: {actor} gets {faults}")
            head = site.ask(row._replace(method="HEAD"), actor)
            if head.status_code != answer.status_code:
                wrong.append(f"HEAD {row.rule}: {actor} gets {head.status_code}")
    assert not wrong, "\n".join(wrong)
    assert dump(site.db) == before


@pytest.mark.parametrize("row", UNSAFE_ROWS, ids=str)
def test_changing(site: Site, row: Row) -> None:
    """Those who may not change something leave no trace when they try; then those who may succeed."""
    wrong = []
    refused = [actor for actor in ACTORS if row.answers[actor] in (SIGN_IN, "401", "403", "404")]
    before = dump(site.db)
    for actor in refused:
        answer = site.ask(row, actor)
        if _outcome(answer) != row.answers[actor]:
            wrong.append(f"{actor} gets {_outcome(answer)}, not {row.answers[actor]}")
        if actor not in MAY_SEE_THE_CUSTOMER and (told := _told(answer)):
            wrong.append(f"{actor} is told {told}")
    assert dump(site.db) == before
    for actor in ACTORS:
        if actor not in refused:
            outcome = _outcome(site.ask(row, actor))
            if outcome != row.answers[actor]:
                wrong.append(f"{actor} gets {outcome}, not {row.answers[actor]}")
    assert not wrong, "\n".join(wrong)


def test_no_change_without_the_token_of_the_page(site: Site) -> None:
    """Another site cannot make anybody's browser change something: 400, and nothing is written.

    What a gateway reports, and what a program sends, is proven by a secret that no browser has.
    """
    before = dump(site.db)
    for row in UNSAFE_ROWS:
        if row.rule.startswith(SIGNED):
            continue
        for actor in ("nobody", "customer", "technician", "dispatcher", "admin"):
            path = site.path(row.rule, site.world.values(row.rule, actor))
            answer = site.browsers[actor].client.open(path, method=row.method, data=site.world.form(row.rule))
            assert answer.status_code == 400, f"{row}: {actor}"
    assert dump(site.db) == before


NUMBERS = (0, 999_999, 2**31, 2**63, 10**30)


def test_numbers_of_nothing_are_not_found(site: Site) -> None:
    """An id that does not exist, or does not fit into a database's integer, is 404 for all who sign in."""
    wrong = []
    for row, number in product((row for row in TABLE if "<int:" in row.rule), NUMBERS):
        for actor in STAFF:
            values = site.world.values(row.rule, actor)
            path = site.path(row.rule, values | dict.fromkeys(re.findall(r"<int:(\w+)>", row.rule), number))
            outcome = _outcome(site.browsers[actor].send(row.method, path, site.world.form(row.rule)))
            if outcome not in ("404", row.answers[actor] if row.answers[actor] in ("401", "403") else "404"):
                wrong.append(f"{row.method} {path}: {actor} gets {outcome}")
    assert not wrong, "\n".join(wrong)


STRANGE = (
    "",
    "x",
    "-1",
    "0",
    "10" * 15,
    "0001-01-01",
    "9999-12-31",
    "2026-02-30",
    "\x00",
    "\u0663",
    "a" * 5000,
)
ASKED = (
    "day",
    "on",
    "visit",
    "territory",
    "proposal",
    "service",
    "by",
    "q",
    "next",
    "fragment",
    "from",
    "site",
)


def test_strange_values_in_addresses_are_no_error_of_ours(site: Site) -> None:
    """Whatever stands behind the question mark or in place of a day, the answer is a page or a refusal."""
    wrong = []
    for row, value in product((row for row in TABLE if row.method in SAFE), STRANGE):
        actor = next((actor for actor in ACTORS if row.answers[actor] == "200"), "dispatcher")
        values = site.world.values(row.rule, actor)
        paths = {site.path(row.rule, values)}
        if value and value.isprintable():
            paths.add(site.path(row.rule, values | {"on": value}))
        for path in paths:
            answer = site.browsers[actor].client.get(
                path, query_string=dict.fromkeys(ASKED, value), buffered=True
            )
            if answer.status_code >= 500:
                wrong.append(f"{path} with {value[:40]!r} is answered {answer.status_code}")
    assert not wrong, "\n".join(wrong)
