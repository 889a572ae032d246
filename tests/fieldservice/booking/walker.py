"""Walks through the booking pages as a browser without JavaScript: reads a form, fills it in, sends it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from fieldservice.geo.address import Address


class Page(HTMLParser):
    """The parts of a page that tests look at: links, texts, and the fields of its forms."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.fields: MultiDict[str, str] = MultiDict()
        self.options: dict[str, list[str]] = {}
        self.checked: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.action = ""
        self.enctype: str | None = None
        self._texts: list[str] = []
        self._textarea = self._select = ""
        self._silent = 0
        self.feed(html)

    @property
    def text(self) -> str:
        """Everything that is written on the page, in one line."""
        return " ".join(" ".join(self._texts).split())

    @property
    def title(self) -> str:
        """The page's title."""
        return self.html.partition("<title>")[2].partition("</title>")[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect links and fields."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("method") == "post" and values.get("id") != "more-search":
            self.action, self.enctype = values.get("action", ""), values.get("enctype")
        elif tag == "a":
            self.links.append(values.get("href", ""))
        elif tag == "textarea":
            self._textarea = values["name"]
            self.fields.setdefault(self._textarea, "")
        elif tag == "input":
            self._input(values)
        elif tag == "select":
            self._select = values.get("name", "")
        elif tag == "option" and self._select and ("selected" in values or self._select not in self.fields):
            self.fields[self._select] = values.get("value", "")
        if tag in ("script", "style"):
            self._silent += 1

    def handle_endtag(self, tag: str) -> None:
        """Text areas and lists end."""
        if tag == "textarea":
            self._textarea = ""
        if tag == "select":
            self._select = ""
        if tag in ("script", "style"):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        """Collect texts."""
        if self._textarea:
            self.fields[self._textarea] = self.fields[self._textarea] + data.lstrip("\r\n")
        if not self._silent:
            self._texts.append(data)

    def _input(self, values: dict[str, str]) -> None:
        name, value = values.get("name", ""), values.get("value", "")
        if values.get("type") in ("radio", "checkbox"):
            self.options.setdefault(name, []).append(value)
            if "checked" in values:
                self.checked.setdefault(name, []).append(value)
                self.fields.add(name, value)
        else:
            self.fields[name] = value


class Walker:
    """One customer on their way through the flow; `page` is what they look at."""

    def __init__(self, client: FlaskClient, home: Address) -> None:
        self.client = client
        self.home = home
        self.url = "/"
        self.response: TestResponse | None = None
        self.page = Page("")

    def open(self, url: str) -> Page:
        """Follow a link, and every redirect."""
        return self._see(self.client.get(urljoin(self.url, url)))

    def send(self, *, follow: bool = True, url: str = "", **values: Any) -> Page:
        """Fill in the page's form and send it; None takes a field away."""
        fields = self.page.fields.copy()
        for name, value in values.items():
            fields.pop(name, None)
            if isinstance(value, list):
                fields.setlist(name, value)
            elif value is not None:
                fields[name] = value
        target = url or urljoin(self.url, self.page.action or self.url)
        return self._see(self.client.post(target, data=fields, content_type=self.page.enctype), follow=follow)

    @property
    def status(self) -> int:
        """The status of the last response."""
        assert self.response is not None
        return self.response.status_code

    @property
    def draft(self) -> str:
        """The token of the draft in the page's address."""
        return urlsplit(self.url).path.split("/")[2]

    def choose_problem(self, service: str = "heating", **values: Any) -> Page:
        """Screen 1."""
        self.open("/book")
        return self.send(service=service, **values)

    def give_address(self, **values: Any) -> Page:
        """Screen 2, with the customer's own address."""
        return self.send(**({"q": self.home.label, "access_kind": "home"} | values))

    def pick_window(self, number: int = 0) -> Page:
        """Screen 3: one of the offered windows."""
        return self.send(window=self.page.options["window"][number])

    def confirm(self, **values: Any) -> Page:
        """Screen 4."""
        contact = {"name": "Rosa Whitfield", "phone": "410 555 0187", "email": "rosa@example.com"}
        return self.send(**(contact | values))

    def to_time(self, day: str = "2026-03-04") -> Page:
        """As far as the third screen, on a day that is far enough away to change it later."""
        self.choose_problem()
        self.give_address()
        return self.open(f"/book/{self.draft}/time?day={day}") if day else self.page

    def to_confirm(self) -> Page:
        """As far as the fourth screen."""
        self.to_time()
        return self.pick_window()

    def book(self) -> Page:
        """The whole way."""
        self.to_confirm()
        return self.confirm()

    def _see(self, response: TestResponse, *, follow: bool = True) -> Page:
        while follow and response.status_code in (302, 303):
            response = self.client.get(response.headers["Location"])
        self.response = response
        if response.request is not None:
            self.url = urlsplit(response.request.url).path + (
                f"?{query}" if (query := urlsplit(response.request.url).query) else ""
            )
        self.page = Page(response.text)
        return self.page
