"""The page on which somebody writes with the office: behind a private link, or before anything is booked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.booking import conversation, refusals, talk_pages
from fieldservice.booking.after_forms import MessageForm
from fieldservice.models import Conversation

type Opened = tuple[Conversation | None, ZoneInfo]
"""The conversation, if somebody has written, and in whose time it is shown."""


@dataclass(frozen=True)
class Desk:
    """One of the two places; `views` are the endpoints that show it, look for news and take what is written.

    `find` opens it with a token or raises why not, and `write` adds to it. `back` is the endpoint of the page
    that it belongs to, if there is one.
    """

    views: tuple[str, str, str]
    find: Callable[[Session, str, datetime], Opened]
    write: Callable[[Session, str, str, datetime], object]
    back: str = ""

    def show(self, token: str) -> ResponseReturnValue:
        """The conversation, who answers and when."""
        now = clock.now()
        with web.services().db.reading() as session:
            return self._page(session, token, MessageForm(), now)

    def news(self, token: str) -> ResponseReturnValue:
        """The list of messages alone; 204 when there is nothing after the one that is named."""
        now = clock.now()
        with web.services().db.reading() as session:
            thread = talk_pages.thread_in(*self.find(session, token, now), now=now)
        if thread.last == (web.row_of(request.args.get("after", "")) or 0):
            return "", 204
        return render_template(
            "booking/_thread.html", thread=thread, news=True, news_url=self._news_url(token, thread)
        )

    def ask(self, token: str) -> ResponseReturnValue:
        """Send a message to the office."""
        now, form = clock.now(), MessageForm()
        with web.services().db.reading() as session:
            self.find(session, token, now)  # whoever may not see it writes nothing
            if not form.validate():
                return self._page(session, token, form, now), 422

        def work(session: Session) -> ResponseReturnValue:
            self.write(session, token, form.body.data, now)
            return redirect(url_for(self.views[0], token=token, _anchor="write"), 303)

        try:
            return web.once(work, now=now, scope=token)
        except conversation.TooManyMessages:
            return refusals.refused(talk_pages.too_many_words(), 429, back=self._back(token))

    def _page(self, session: Session, token: str, form: MessageForm, now: datetime) -> str:
        found, zone = self.find(session, token, now)
        thread = talk_pages.thread_in(found, zone, now=now)
        return render_template(
            "booking/messages.html",
            form=form,
            thread=thread,
            answers=talk_pages.answer_words(zone, now=now),
            back=self._back(token),
            ask_url=url_for(self.views[2], token=token, service=request.args.get("service")),
            news_url=self._news_url(token, thread),
        )

    def _back(self, token: str) -> str:
        return url_for(self.back, token=token) if self.back else ""

    def _news_url(self, token: str, thread: talk_pages.Thread) -> str:
        return url_for(self.views[1], token=token, after=thread.last)
