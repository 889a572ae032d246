"""Which language a page is written in, and the ways to choose another one.

The address decides (`?lang=nl`, kept in the addresses that lead on from there), then what the customer chose
for the visit of a private page, then what this browser chose before, then what it asks for, then the company.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale, gettext
from werkzeug.datastructures import MultiDict

from fieldservice import web
from fieldservice.models import Place, Service, Visit, WorkOrder
from fieldservice.models.facts import called
from fieldservice.notify.translations import language_of, languages, locale_in, translations_of
from fieldservice.notify.words import phone_words

ARGUMENT = "lang"
COOKIE = "language"
_KEPT = timedelta(days=365)


@dataclass(frozen=True)
class Choice:
    """A language of the menu, by its own name; `href` is this page in it."""

    code: str
    name: str
    href: str
    current: bool


class _Texts(Domain):  # type: ignore[misc]
    """The texts that messages are written from, for pages."""

    def get_translations(self) -> Any:
        return translations_of(str(get_locale()))


def install(app: Flask) -> None:
    """Let the pages speak the reader's language."""
    babel = Babel(app, locale_selector=_locale)
    babel.domain_instance = _Texts()
    app.url_defaults(_stay)
    app.after_request(_remember)
    app.context_processor(lambda: {"language_menu": menu, "language_tag": tag})
    app.jinja_env.filters.update(written=written, titled=titled, where=where)


def current() -> str:
    """The code of the page's language."""
    return str(get_locale().language)


def locale() -> str:
    """The locale of the page."""
    return str(get_locale())


def locale_for(code: str) -> str:
    """The locale in which the company speaks a language."""
    return locale_in(code, web.services().settings.locale)


def tag() -> str:
    """The page's locale as HTML names it: en-US."""
    return locale().replace("_", "-")


def speak(locale: str | None) -> None:
    """Use the locale that a customer chose, unless the page's address says otherwise."""
    g.chosen_language = language_of(locale) if locale else None


def menu() -> list[Choice]:
    """This page in every language; empty for the answer to a form, which has no address to come back to."""
    if request.method not in ("GET", "HEAD"):
        return []
    return [
        Choice(code=code, name=name_of(code), href=_href(code), current=code == current())
        for code in languages()
    ]


def name_of(code: str) -> str:
    """A language by its own name, as it stands in a list."""
    name = Locale.parse(code).get_display_name() or code
    return name[:1].upper() + name[1:]


def written(text: str, *services: Service) -> str:
    """What the office wrote about one of the services, in the page's language as far as it was translated."""
    if get_locale() is None:  # nobody reads a page
        return text
    for service in services:
        if (found := service.in_language(text, current())) != text:
            return found
    return "\n".join(written(line, *services) for line in text.split("\n")) if "\n" in text else text


def names(services: Iterable[Service]) -> str:
    """The names of services that are done together."""
    return " + ".join(written(service.name, service) for service in services)


def titled(order: WorkOrder) -> str:
    """What is done for a work order."""
    return order.title_in(current())


def where(visit: Visit) -> str:
    """Where a visit takes place, as its customer is told: a remote one at no address."""
    if visit.service.place != Place.REMOTE:
        return visit.site.one_line
    if number := called(visit):
        in_words = phone_words(number, web.services().settings.country)
        return str(gettext("We call %(number)s", number=in_words))
    return str(gettext("By phone or video"))


def answer_written(said: Mapping[str, Any], services: Sequence[Service]) -> dict[str, Any]:
    """One of a work order's kept answers with the office's words in the page's language."""
    own = said["kind"] == "text"  # the customer's words
    return {
        **said,
        # a check's title and question are kept as one
        "question": ": ".join(written(part, *services) for part in said["question"].split(": ", 1)),
        "answer": said["answer"] if own else _answer(said["answer"], services),
        "unit": written(said["unit"], *services),
    }


def _answer(answer: Any, services: Sequence[Service]) -> Any:
    if isinstance(answer, list):
        return [written(word, *services) for word in answer]
    return written(answer, *services) if isinstance(answer, str) else answer


def _href(code: str) -> str:
    wanted = MultiDict(request.args)
    wanted[ARGUMENT] = code
    return f"?{urlencode(list(wanted.items(multi=True)))}"


def _locale() -> str:
    company = web.services().settings.locale
    if not has_request_context():
        return company
    return locale_in(_language(language_of(company)), company)


def _language(company: str) -> str:
    known = languages()
    for code in (_asked(), g.get("chosen_language"), request.cookies.get(COOKIE)):
        if code in known:
            return code
    return request.accept_languages.best_match((company, *known)) or company


def _asked() -> str | None:
    code = request.args.get(ARGUMENT)
    return code if code in languages() else None


def _stay(endpoint: str, values: dict[str, Any]) -> None:
    """Addresses of customers' pages keep the language that this page's address has."""
    if has_request_context() and endpoint.startswith("booking.") and (code := _asked()):
        values.setdefault(ARGUMENT, code)


def _remember(response: Response) -> Response:
    if response.mimetype != "text/html":
        return response
    response.vary.update(("Accept-Language", "Cookie"))
    response.content_language = [tag()]
    if code := _asked():
        secure = web.services().settings.public_url.startswith("https://")
        response.set_cookie(COOKIE, code, max_age=_KEPT, secure=secure, httponly=True, samesite="Lax")
    return response
