"""Customers who book while processes die, and what they were promised."""

from __future__ import annotations

import http.client
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta

from fieldservice.booking import drafts
from fieldservice.config import Settings
from fieldservice.db import Database
from tests.factories import CENTRE, Company, number, window
from tests.running import Answer, Browser
from tests.services import wait_until
from tests.stories.rivals import real_now

PATIENCE_S = 60
PAUSE_S = 0.15


@dataclass
class Customers:
    """Threads that book one visit after another, each until it is acknowledged or the window is gone."""

    settings: Settings
    db: Database
    company: Company
    today: date
    acknowledged: dict[str, str] = field(default_factory=dict)  # e-mail address -> the visit's page
    retries: int = 0
    failures: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, many: int) -> None:
        """Begin to book."""
        self._threads = [threading.Thread(target=self._book_on, args=(seed,)) for seed in range(many)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, more: int) -> None:
        """Until so many more bookings were acknowledged."""
        enough = len(self.acknowledged) + more
        wait_until(lambda: self.failures or len(self.acknowledged) >= enough, "bookings go on", PATIENCE_S)

    def stop(self) -> None:
        """Finish the bookings that were begun; raises what went wrong in any of them."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_S)
        if self.failures:
            raise self.failures[0]

    def _book_on(self, seed: int) -> None:
        dice = random.Random(seed)
        try:
            while not self._stop.is_set():
                self._book(dice)
                time.sleep(PAUSE_S)
        except BaseException as error:  # noqa: BLE001
            self.failures.append(error)

    def _book(self, dice: random.Random) -> None:
        serial = number()
        on = self.today + timedelta(days=dice.randint(2, 12))
        starts = dice.choice([8, 10, 12, 14])
        answers = drafts.DraftAnswers(
            service=self.company.service.code,
            site=drafts.SiteAnswers(
                address=f"{serial} Main Street", city="Baltimore", coordinates=CENTRE, match="exact"
            ),
            territory_id=self.company.territory.id,
            window=window(on, starts, starts + 2),
        )
        token = self.db.run(lambda session: drafts.start(session, answers, now=real_now())).token
        email = f"customer{serial}@example.com"
        form = {"name": f"Customer {serial}", "email": email, "idempotency_key": str(uuid.uuid4())}
        answer = self._insist(f"/book/{token}/confirm", form, f"198.51.{serial // 200 % 250}.{serial % 200}")
        assert answer.status in (303, 409), f"{answer.status}: {answer.text[:300]}"
        if answer.status == 303:
            self.acknowledged[email] = answer.location

    def _insist(self, path: str, form: dict[str, str], address: str) -> Answer:
        """Send the same form until there is an answer, as somebody does whose page did not load."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return Browser(self.settings, address).post(path, form)
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline, f"no answer for {PATIENCE_S} s"
                self.retries += 1
                time.sleep(0.1)
