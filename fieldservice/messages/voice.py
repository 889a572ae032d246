"""The phone menu: who calls, when we come next, and what each key does. A person is one key away, always.

Nothing is kept between two requests: the caller's number says whose visit it is, each time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.geo.tables import TravelTables
from fieldservice.messages.inbound import visit_of
from fieldservice.messages.twiml import Call, Dial, Gather, Redirect, Response, Say
from fieldservice.models import Channel, ContactRole, InboundMessage, OfficeTask, Outcome, Visit
from fieldservice.models.visit import PLANNABLE, UNDERWAY
from fieldservice.notify import words
from fieldservice.notify.translations import gettext_of, language_of
from fieldservice.planning.track import tracking

CALL_BACK = "call_back"
CONFIRM, CALL_ME, HOW_LATE, PERSON = "1", "2", "3", "0"
_CALL_WITHIN = timedelta(hours=4)
_LEAST_WAITS = 2
"""After so many times without a key the caller is put through: they may have none."""


@dataclass(frozen=True)
class Caller:
    """A call as its provider reports it: its name there, and the number at the other end; "" when hidden."""

    call: str
    phone: str


@dataclass(frozen=True)
class Menu:
    """Speaks with one caller, in the language of their visit, or the company's."""

    caller: Caller
    visit: Visit | None
    settings: Settings
    now: datetime

    @classmethod
    def of(cls, session: Session, caller: Caller, settings: Settings, *, now: datetime) -> Menu:
        """The menu for whoever has the number."""
        found = visit_of(session, ContactRole.phone == caller.phone, now=now) if caller.phone else None
        ahead = found is not None and found.window_ends_at is not None and found.window_ends_at > now
        over = found is None or found.state not in (*PLANNABLE, *UNDERWAY)
        return cls(caller, None if over or not ahead else found, settings, now)

    @property
    def locale(self) -> str:
        """In which language and formats the caller is spoken to."""
        own = self.settings.locale
        return own if self.visit is None else self.visit.work_order.locale_for(own)

    def greet(self) -> Response:
        """The company's name, the next visit, and the keys."""
        hello = self.gettext("Hello, this is %(company)s.") % {"company": self.settings.company_name}
        return self._ask(hello, *self._next_visit(), tries=0)

    def again(self, tries: int) -> Response:
        """Nothing was pressed, or something that is no key; the second time a person answers."""
        if tries >= _LEAST_WAITS:
            return self.person()
        return self._ask(tries=tries)

    def person(self) -> Response:
        """Put the caller through to the office."""
        phone = self.settings.company_phone.replace(" ", "")
        return Response(self._say(self.gettext("We put you through to a person.")), Dial(phone))

    def confirm(self, session: Session) -> Response:
        """Keep a yes with the visit, once a call."""
        visit = self.visit
        if visit is None:
            return self._nothing()
        session.refresh(visit, with_for_update={"of": Visit})
        over = visit.window is None or visit.window.ends_at <= self.now
        if over or not visit.promised or visit.state not in PLANNABLE:
            return self._nothing()
        if self._is_new(session, CONFIRM, Outcome.CONFIRMED):
            visit.record("confirmed", occurred_at=self.now, now=self.now, actor="customer")
        return self._bye(self.gettext("Thank you. Your appointment is confirmed."))

    def call_back(self, session: Session) -> Response:
        """Give the office the task to call, once a call; ask for the number when it is hidden."""
        if not self.caller.phone:
            return self._ask_for_number(self.gettext("We do not see the number that you call from."), tries=0)
        if self._is_new(session, CALL_ME, Outcome.ASKED if self.visit else Outcome.UNKNOWN):
            task = OfficeTask(
                kind=CALL_BACK,
                visit_id=self.visit.id if self.visit else None,
                detail=f"{self.caller.phone}: ",
                created_at=self.now,
                due_at=self.now + _CALL_WITHIN,
            )
            session.add(task)
        return self._bye(self.gettext("Thank you. We call you back on this number."))

    def call_back_on(self, session: Session, phone: str, *, tries: int) -> Response:
        """Have somebody call the number that was typed; it says nothing about whose visit it is.

        `phone` is empty when what was typed is no number: the second time a person answers.
        """
        if phone:
            known = replace(self, caller=replace(self.caller, phone=phone), visit=None)
            return known.call_back(session)
        if tries >= _LEAST_WAITS:
            return self.person()
        return self._ask_for_number(self.gettext("That is no phone number."), tries=tries)

    def _ask_for_number(self, why: str, *, tries: int) -> Response:
        """Say what is missing and wait for a number; without one a person answers."""
        said = [
            why,
            self.gettext("Type the number on which we shall call you, then press the hash key."),
            self.gettext("To speak with a person, press 0, then the hash key."),
        ]
        gather = Gather(f"/hooks/voice/number?tries={tries + 1}", *map(self._say, said), number=True)
        return Response(gather, *self.person().verbs)

    def how_late(self, session: Session, tables: TravelTables) -> Response:
        """When the technician arrives, as far as anybody knows."""
        if self.visit is None or self.visit.window is None:
            return self._nothing()
        zone, found = self.visit.territory.zone, tracking(session, self.visit, tables=tables, now=self.now)
        if found.arrived_at is not None:
            said = self.gettext("The technician is with you already.")
        elif found.arrives_at is not None:
            at = words.clock_time(found.arrives_at, zone, self.locale)
            said = self.gettext("The technician arrives at about %(time)s.") % {"time": at}
        else:
            said = self.gettext("There is no news: your appointment is as promised, %(when)s.") % {
                "when": self._when(self.visit)
            }
        return self._ask(said, tries=0)

    def _next_visit(self) -> list[str]:
        visit = self.visit
        if visit is None or visit.window is None:
            return [self.gettext("We found no appointment for the number that you call from.")]
        title = visit.work_order.title_in(language_of(self.locale))
        told = {"service": title, "when": self._when(visit)}
        return [self.gettext("Your next appointment: %(service)s, %(when)s.") % told]

    def _when(self, visit: Visit) -> str:
        window = visit.window
        if window is None:
            return ""
        zone = visit.territory.zone
        day = words.day_words(window.starts_at.astimezone(zone).date(), self.locale)
        return f"{day}, {words.window_words(window.starts_at, window.ends_at, zone, self.locale)}"

    def _keys(self) -> list[str]:
        own = [
            self.gettext("To confirm it, press 1."),
            self.gettext("To ask when the technician arrives, press 3."),
        ]
        call, person = (
            self.gettext("To be called back, press 2."),
            self.gettext("To speak with a person, press 0."),
        )
        return [own[0], call, own[1], person] if self.visit is not None else [call, person]

    def _ask(self, *sentences: str, tries: int) -> Response:
        """Say it and wait for a key; without one, ask again."""
        said = [self._say(sentence) for sentence in (*sentences, *self._keys())]
        again = f"/hooks/voice/key?tries={tries + 1}"
        return Response(Gather(again, *said), Redirect(again))

    def _nothing(self) -> Response:
        return self._ask(self.gettext("We found no appointment for the number that you call from."), tries=0)

    def _bye(self, sentence: str) -> Response:
        """What was done; a person is still one key away."""
        last = [self._say(sentence), self._say(self.gettext("To speak with a person, press 0."))]
        return Response(
            Gather("/hooks/voice/key?last=1", *last), self._say(self.gettext("Goodbye.")), Call.HANG_UP
        )

    def goodbye(self) -> Response:
        """Another key than 0 at the end."""
        return Response(self._say(self.gettext("Goodbye.")), Call.HANG_UP)

    def _say(self, sentence: str) -> Say:
        return Say(sentence, self.locale)

    def gettext(self, text: str) -> str:
        """The text in the caller's language."""
        return gettext_of(self.locale)(text)

    def _is_new(self, session: Session, key: str, outcome: Outcome) -> bool:
        """Keep that the key was pressed in this call; False when it was before."""
        name = f"{self.caller.call}:{key}"
        same = select(InboundMessage.id).where(
            InboundMessage.channel == Channel.VOICE, InboundMessage.provider_key == name
        )
        if session.scalar(same) is not None:
            return False
        row = InboundMessage(
            channel=Channel.VOICE,
            provider_key=name,
            sender=self.caller.phone,
            body=key,
            received_at=self.now,
            visit_id=self.visit.id if self.visit else None,
            outcome=outcome,
        )
        session.add(row)
        session.flush()
        return True
