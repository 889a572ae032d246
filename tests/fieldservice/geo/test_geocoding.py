"""The chain asks pins, the map, what was answered before and online services, and survives their moods."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from fieldservice.config import Settings
from fieldservice.geo.address import Address, Match
from fieldservice.geo.geocode_store import KEPT, GeocodeStore
from fieldservice.geo.geocoding import GeocodingChain, open_geocoding
from fieldservice.geo.online import USER_AGENT, GeocoderBusy, GeocoderDown, OnlineGeocoder
from fieldservice.geo.types import Coordinates

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FAST = timedelta(milliseconds=1)
PLACE = Coordinates(52.5, 13.4)
NOMINATIM = {
    "lat": "52.5",
    "lon": "13.4",
    "display_name": "10, Unter den Linden, Berlin, 10117, Germany",
    "address": {
        "house_number": "10",
        "road": "Unter den Linden",
        "city": "Berlin",
        "postcode": "10117",
        "country_code": "de",
    },
}
PHOTON = {
    "geometry": {"type": "Point", "coordinates": [13.4, 52.5]},
    "properties": {
        "housenumber": "10",
        "street": "Unter den Linden",
        "city": "Berlin",
        "postcode": "10117",
        "countrycode": "DE",
        "name": "",
        "state": "Berlin",
        "country": "Germany",
    },
}
BERLIN = "10 Unter den Linden, Berlin 10117"


class Service:
    """A geocoding service on this machine that answers what a test sets."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: object = [NOMINATIM]
        self.delay = 0.0
        self.asked: list[tuple[float, str, dict[str, list[str]], str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                agent = self.headers["User-Agent"]
                service.asked.append((time.monotonic(), url.path, parse_qs(url.query), agent))
                time.sleep(service.delay)
                body = service.body if isinstance(service.body, bytes) else json.dumps(service.body).encode()
                self.send_response(service.status)
                for name, value in service.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except BrokenPipeError:
                    return

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        if not self.thread.is_alive():
            return
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    """A stub service, stopped after the test."""
    service = Service()
    yield service
    service.close()


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return GeocodeStore(tmp_path / "geocoding.sqlite")


def nominatim(service, store, **options):
    """Nominatim at the stub, asked as often as one likes."""
    options = {"interval": FAST, "now": lambda: NOW} | options
    return OnlineGeocoder("nominatim", service.url, store, **options)


def chain(store, *online, index=None, now=NOW):
    """A chain that lives at one instant."""
    return GeocodingChain(index, store, online, now=lambda: now)


def test_nominatim_is_asked_as_its_rules_demand(service, store):
    """An identifying agent, one search, and the answer in parts with a score."""
    found = nominatim(service, store).locate(BERLIN)
    assert (found.number, found.street, found.city, found.postcode, found.country) == (
        "10",
        "Unter den Linden",
        "Berlin",
        "10117",
        "DE",
    )
    assert found.match is Match.EXACT
    assert found.certain
    assert found.provider == "nominatim"
    assert found.coordinates == PLACE
    [(_, path, query, agent)] = service.asked
    assert path == "/search"
    assert query["q"] == [BERLIN]
    assert agent == USER_AGENT


def test_photon_is_understood_too(service, store):
    """The other service's answer becomes the same address."""
    service.body = {"type": "FeatureCollection", "features": [PHOTON]}
    found = OnlineGeocoder("photon", service.url, store, interval=FAST, now=lambda: NOW).locate(BERLIN)
    assert (found.number, found.street, found.city, found.country) == (
        "10",
        "Unter den Linden",
        "Berlin",
        "DE",
    )
    assert found.certain
    assert found.provider == "photon"


def test_a_house_that_was_not_asked_for_is_for_a_person(service, store):
    """A service that answers with the street, or with another house, gives nothing certain."""
    assert nominatim(service, store).locate("12 Unter den Linden, Berlin").match is Match.STREET
    service.body = [NOMINATIM | {"address": {"road": "Unter den Linden", "city": "Berlin"}}]
    found = nominatim(service, store).locate(BERLIN)
    assert found.match is Match.STREET
    assert not found.certain


def test_an_answer_about_something_else_is_refused(service, store):
    """What resembles the question too little is "not found", like an empty answer."""
    assert nominatim(service, store).locate("7 Rue de Rivoli, Paris") is None
    service.body = []
    assert nominatim(service, store).locate(BERLIN) is None


def test_429_is_told_at_once_and_holds_back_everybody(service, store):
    """No sleeping through Retry-After: GeocoderBusy says when, and other processes do not ask before."""
    service.status, service.headers = 429, {"Retry-After": "30"}
    began = time.monotonic()
    with pytest.raises(GeocoderBusy) as caught:
        nominatim(service, store).locate(BERLIN)
    assert time.monotonic() - began < 2
    assert caught.value.retry_after == timedelta(seconds=30)
    service.status = 200
    with pytest.raises(GeocoderBusy):
        nominatim(service, store).locate(BERLIN)
    assert len(service.asked) == 1
    later = nominatim(service, store, now=lambda: NOW + timedelta(seconds=31))
    assert later.locate(BERLIN)


@pytest.mark.parametrize("trouble", ["403", "500", "nonsense", "timeout", "nobody there"])
def test_trouble_is_geocoder_down(service, store, trouble):
    """A refusal, an error, nonsense, silence and a dead server are one named exception, soon."""
    geocoder = nominatim(service, store, timeout_s=0.2)
    match trouble:
        case "403" | "500":
            service.status = int(trouble)
        case "nonsense":
            service.body = b"<html>no json here</html>"
        case "timeout":
            service.delay = 0.6
        case "nobody there":
            geocoder = OnlineGeocoder(
                "nominatim", "http://127.0.0.1:9", store, interval=FAST, now=lambda: NOW
            )
    with pytest.raises(GeocoderDown):
        geocoder.locate(BERLIN)


def test_half_an_answer_is_geocoder_down(service, store):
    """An answer in a shape that nobody expects is trouble, not a crash."""
    for body in ({"error": "x"}, [{"lat": "x"}], [{"lat": "north", "lon": "13", "display_name": BERLIN}]):
        service.body = body
        with pytest.raises(GeocoderDown):
            nominatim(service, store).locate(BERLIN)


def test_turns_are_dealt_over_all_processes(tmp_path):
    """Eight who ask at one instant, each with a store of its own, get turns an interval apart."""
    second = timedelta(seconds=1)

    def turn(_):
        return GeocodeStore(tmp_path / "geocoding.sqlite").take_turn("nominatim", second, NOW)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(turn, range(8))) == [number * second for number in range(8)]


def test_a_turn_is_waited_for(service, store):
    """The second request leaves no earlier than one interval after the first was allowed."""
    geocoder = nominatim(service, store, interval=timedelta(milliseconds=300), now=lambda: datetime.now(UTC))
    began = time.monotonic()
    geocoder.locate(BERLIN)
    geocoder.locate(BERLIN)
    assert service.asked[1][0] - began >= 0.29


def test_a_long_queue_is_busy(store):
    """Whoever would wait longer than ten intervals is sent away with the time to come back."""
    for _ in range(11):
        assert store.take_turn("nominatim", timedelta(seconds=1), NOW) <= timedelta(seconds=10)
    assert store.take_turn("nominatim", timedelta(seconds=1), NOW) == timedelta(seconds=11)
    assert store.take_turn("photon", timedelta(seconds=1), NOW) == timedelta(0)


def test_a_clock_set_back_does_not_stop_geocoding(store):
    """A reservation far in the future is an old clock's and does not count."""
    store.take_turn("nominatim", timedelta(seconds=1), NOW + timedelta(days=400))
    assert store.take_turn("nominatim", timedelta(seconds=1), NOW) == timedelta(0)


def test_the_map_is_asked_before_anybody_online(service, store, index):
    """What the index is certain of leaves the house never; what it does not know is asked."""
    address = index.sample([10])[0]
    both = chain(store, nominatim(service, store), index=index)
    assert both.locate(address.label).provider == "map"
    assert service.asked == []
    assert both.locate(BERLIN).provider == "nominatim"
    assert len(service.asked) == 1


def test_an_answer_is_asked_for_once(service, store):
    """The next process finds it in the store, however the text is spelt; "not found" is kept as well."""
    first = chain(store, nominatim(service, store)).locate(BERLIN)
    assert chain(store, nominatim(service, store)).locate(BERLIN.upper()) == first
    service.body = []
    for _ in range(2):
        assert chain(store, nominatim(service, store)).locate("1 Nowhere") is None
    assert len(service.asked) == 2


def test_stored_answers_grow_old(service, store):
    """An answer is asked for again after 90 days, "not found" after nine."""
    chain(store, nominatim(service, store)).locate(BERLIN)
    chain(store, nominatim(service, store), now=NOW + KEPT - timedelta(hours=1)).locate(BERLIN)
    assert len(service.asked) == 1
    chain(store, nominatim(service, store), now=NOW + KEPT + timedelta(hours=1)).locate(BERLIN)
    assert len(service.asked) == 2


def test_the_second_service_helps_when_the_first_cannot(service, store):
    """A dead Nominatim does not hide what Photon knows."""
    service.body = {"type": "FeatureCollection", "features": [PHOTON]}
    dead = OnlineGeocoder("nominatim", "http://127.0.0.1:9", store, interval=FAST, now=lambda: NOW)
    photon = OnlineGeocoder("photon", service.url, store, interval=FAST, now=lambda: NOW)
    assert chain(store, dead, photon).ask(BERLIN).provider == "photon"


def test_trouble_never_stops_a_booking(service, store, index):
    """`locate` gives what the map has, or None; `ask` tells a task to come back. Trouble is not stored."""
    service.status = 403
    both = chain(store, nominatim(service, store), index=index)
    assert both.locate(BERLIN) is None
    with pytest.raises(GeocoderDown):
        both.ask(BERLIN)
    address = index.sample([10])[0]
    street = both.locate(f"{address.street}, Demoville")
    assert street.match is Match.STREET
    service.status = 200
    assert both.locate(BERLIN)


def test_nothing_overwrites_a_persons_pin(service, store, index):
    """A pin is the answer from then on, whatever the map, a service or time say; a later pin replaces it."""
    address = index.sample([10])[0]
    both = chain(store, nominatim(service, store), index=index)
    spot = Coordinates(39.46, -76.93)
    pin = both.remember_pin(address.label, address, spot)
    assert pin.certain
    assert (pin.match, pin.provider, pin.coordinates, pin.label) == (Match.PIN, "person", spot, address.label)
    store.put(address.label, address, provider="map", now=NOW + timedelta(days=1))
    late = chain(store, nominatim(service, store), index=index, now=NOW + timedelta(days=5000))
    assert late.locate(address.label.lower()) == pin
    moved = both.remember_pin(address.label, address, Coordinates(39.47, -76.92))
    assert both.locate(address.label) == moved
    assert service.asked == []


def test_the_settings_make_the_chain(service, town_map, tmp_path, index):
    """A map and a service by setting; without either, nothing is found and nothing fails."""
    bare = open_geocoding(Settings(data_dir=tmp_path), now=lambda: NOW)
    assert bare.locate(BERLIN) is None
    assert bare.suggest("Main") == []
    settings = Settings(data_dir=tmp_path, map_dir=town_map, nominatim_url=f"{service.url}/")
    full = open_geocoding(settings, now=lambda: NOW)
    address = index.sample([10])[0]
    assert full.locate(address.label) == address
    assert address.label in [found.label for found in full.suggest(address.label)]
    assert full.locate(BERLIN).provider == "nominatim"


def test_a_wrong_service_address_is_refused(store):
    """A typo in the setting is told when the product starts, not when somebody books."""
    for url in ("localhost:8088", "ftp://example.com", "http://"):
        with pytest.raises(ValueError, match="not the address of a geocoder"):
            OnlineGeocoder("nominatim", url, store, now=lambda: NOW)


def test_many_processes_may_be_first(tmp_path):
    """Eight threads that open a new store at once all get through."""
    address = Address(
        street="S",
        number="1",
        city="C",
        postcode="",
        country="",
        coordinates=PLACE,
        match=Match.EXACT,
        score=100,
        provider="x",
        label="L",
    )

    def write(number):
        GeocodeStore(tmp_path / "new.sqlite").put(f"{number} street", address, provider="x", now=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    store = GeocodeStore(tmp_path / "new.sqlite")
    assert all(store.get(f"{number} street", NOW).address == address for number in range(24))
