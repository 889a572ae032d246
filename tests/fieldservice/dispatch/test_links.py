"""Linking visits on the board, without JavaScript."""

from __future__ import annotations

import pytest

from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, words_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL differs here


def test_a_visit_follows_another_one(dana: Dispatcher) -> None:
    """The page offers the day's visits; the inspector tells the link on both, the history who made it."""
    ida, joe = dana.scene.ids["Ida"], dana.scene.ids["Joe"]
    page = f"{BOARD}/visits/{joe}/links"
    assert "Ida" in words_of(dana.get(page))
    said = dana.post(page, first=ida, at_least=60, at_most=30)
    assert (said.status_code, "Enter no less" in words_of(said)) == (422, True)
    said = dana.post(page, first=ida, at_least=600)
    assert (said.status_code, "Move one of them first" in words_of(said)) == (422, True)
    assert "may begin at" in words_of(said)
    assert dana.post(page, first=ida, at_least=60, same="y").status_code == 303
    told = words_of(dana.get(f"{BOARD}?visit={joe}"))
    assert "Follows Heating" in told
    assert "at least" in told, told[told.index("Follows") :][:200]
    assert "same technician" in told
    assert "Heating follows it" in words_of(dana.get(f"{BOARD}?visit={ida}"))
    assert "Joe Park follows another visit" in words_of(dana.get(f"{BOARD}/history"))
    refused = dana.move("Joe", dana.scene.ana, "11:10", confirmed="yes", reason="She asked")
    assert (refused.status_code, "Follows Heating" in words_of(refused)) == (422, True)
    back = dana.post(f"{BOARD}/visits/{ida}/links", first=joe)
    assert (back.status_code, "follows this visit already" in words_of(back)) == (422, True)
    assert dana.post(f"{BOARD}/visits/{joe}/unlink", first=ida).status_code == 303
    again = dana.post(f"{BOARD}/visits/{joe}/unlink", first=ida)
    assert again.status_code == 303
    assert "not linked any more" in words_of(dana.get(again.location))
    assert "Follows Heating" not in words_of(dana.get(f"{BOARD}?visit={joe}"))
