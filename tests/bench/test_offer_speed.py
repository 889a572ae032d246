"""The benchmark of the windows of 14 days asks the real server, and misses its bar when it should."""

from __future__ import annotations

from pathlib import Path

from bench.offer_speed import BAR_S, Offers, measure
from fieldservice.config import Settings


def test_a_small_company_is_measured(tmp_path: Path) -> None:
    """Every customer sees windows of both halves of the fortnight, and is timed."""
    settings = Settings(data_dir=tmp_path, secret_key="only-for-this-small-bench", map_tiles="none")
    offers = measure(settings, customers=3, technicians=2)
    assert len(offers.together) == len(offers.first) == len(offers.worked) == 3
    assert all(0 < first < both for first, both in zip(offers.first, offers.together, strict=True))
    assert offers.windows > 0
    assert any("windows of 14 days" in line for line in offers.lines())


def test_one_slow_answer_in_ten_misses_the_bar() -> None:
    """The 95th percentile decides, not the median; one in a hundred is let pass."""
    quick, slow = [BAR_S / 2] * 9, [BAR_S * 2]
    assert not Offers(quick + slow, quick + slow, quick + slow, 1).kept
    assert Offers(quick * 11 + slow, quick, quick, 1).kept
