"""What a customer is about to book, in words: the summary above the last form."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import ngettext
from markupsafe import Markup

from fieldservice import web
from fieldservice.booking.checks import said
from fieldservice.booking.drafts import Draft
from fieldservice.booking.pages import gettext, said_words
from fieldservice.booking.several import Wanted
from fieldservice.language import names, written
from fieldservice.models import Place, Window


def summary_rows(draft: Draft) -> list[dict[str, Any]]:
    """The answers of a draft with links that change them."""
    rows = [*_when_rows(draft), _where_row(draft), _what_row(draft)]
    rows += [_also_row(draft, each) for each in draft.wanted[1:]]
    if draft.way.answered:
        tried = said_words(said(draft.way, draft.answers.tried), [draft.service])
        rows.append({"label": gettext("You tried"), "value": "", "detail": " · ".join(tried)})
    priced = [each.service for each in draft.wanted if each.service.price_text]
    for service in priced:
        label = (
            gettext("Price")
            if len(draft.wanted) == 1
            else gettext("Price, %(service)s", service=written(service.name, service))
        )
        rows.append(
            {
                "label": label,
                "value": Markup("<b>{}</b>").format(written(service.price_text, service)),
                "detail": written(service.price_note, service),
            }
        )
    return rows


def _when_rows(draft: Draft) -> list[dict[str, Any]]:
    windows = draft.windows
    if not windows:
        return [
            {
                "label": gettext("When"),
                "value": gettext("We call you to agree on a time"),
                "detail": gettext("Our office looks up your address first."),
            }
        ]
    labels = [gettext("When")]
    if len(windows) > 1:
        labels = [
            gettext(
                "Visit %(number)d, %(service)s",
                number=number,
                service=leg.site.one_line if leg.site else names(each.service for each in leg.wanted),
            )
            for number, leg in enumerate(draft.legs, start=1)
        ]
    numbered = enumerate(zip(labels, windows, strict=True), start=1)
    return [_when_row(draft, label, window, number) for number, (label, window) in numbered]


def _when_row(draft: Draft, label: str, window: Window, part: int) -> dict[str, Any]:
    zone = draft.area.zone
    return {
        "label": label,
        "value": Markup('<b class="choice-title">{}</b><span class="d-block">{}</span>').format(
            web.day_words(window.starts_at.astimezone(zone).date()), web.window_words(window, zone)
        ),
        "detail": web.zone_words(zone, window.starts_at),
        "change": url_for("booking.time", token=draft.token, site=part if draft.at_sites else None),
        "change_label": gettext("arrival time"),
    }


def _where_row(draft: Draft) -> dict[str, Any]:
    if draft.at_sites:
        count = len(draft.legs)
        return {"label": gettext("Where"), "value": ngettext("%(num)d site", "%(num)d sites", count)}
    if draft.service.place == Place.REMOTE:
        meets = bool(draft.service.call_link)
        how = gettext("You get the link with the confirmation.") if meets else gettext("We call you.")
        return {"label": gettext("Where"), "value": gettext("By phone or video"), "detail": how}
    site = draft.site
    street = f"{site.address}, {site.unit}" if site.unit else site.address
    town = f"{site.city} {site.postcode}".strip()
    access = {"home": gettext("Someone will be home."), "code": gettext("Code, key box or doorman.")}
    return {
        "label": gettext("Where"),
        "value": ", ".join(part for part in (street, town) if part),
        "detail": f"{access.get(site.access_kind, '')} {site.access_notes}".strip(),
        "change": url_for("booking.address.show", token=draft.token),
        "change_label": gettext("address"),
    }


def _what_row(draft: Draft) -> dict[str, Any]:
    answers = draft.answers
    words = [*said_words(draft.found.said, [draft.service]), answers.problem]
    return {
        "label": gettext("What"),
        "value": written(draft.service.name, draft.service),
        "detail": " · ".join(word for word in words if word),
        "change": url_for("booking.change_problem", token=draft.token),
        "change_label": gettext("problem"),
    }


def _also_row(draft: Draft, wanted: Wanted) -> dict[str, Any]:
    words = [*said_words(wanted.found.said, [wanted.service]), wanted.problem]
    return {
        "label": gettext("Also"),
        "value": written(wanted.service.name, wanted.service),
        "detail": " · ".join(word for word in words if word),
        "change": url_for("booking.several.show", token=draft.token),
        "change_label": written(wanted.service.name, wanted.service),
    }
