"""Who may come in, as people meet it: pairing by code, an invitation for a second browser, and being sent away."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

import pytest

SIGN_IN = "document.body.dataset.session === 'out' && document.querySelector('#sign-in').checkVisibility()"


@pytest.fixture
def daemon(start_daemon: Any) -> Any:
    return start_daemon(**{"web.authentication": "household"})


def fill(page: Any, selector: str, text: str) -> None:
    page.evaluate(f"void (document.querySelector({json.dumps(selector)}).value = {json.dumps(text)})")


def wait_until_signed_out(page: Any, seconds: float = 10) -> None:
    page.wait_through_reload(SIGN_IN, seconds)


def pair(page: Any, daemon: Any, name: str) -> None:
    page.wait_for(SIGN_IN)
    fill(page, "#sign-in-name", name)
    fill(page, "#sign-in-code", daemon.pairing_code().lower())
    page.click("#sign-in-submit")
    page.wait_until_ready()


def invite(page: Any, name: str, *, guest_until: str | None = None) -> str:
    """The link of an invitation that the owner makes."""
    page.evaluate("void (document.querySelector('#household-fold').open = true)")
    fill(page, "#invite-name", name)
    if guest_until is not None:
        fill(page, "#invite-role", "guest")
        fill(page, "#invite-until", guest_until)
    page.evaluate("document.querySelector('#invite-form').requestSubmit()")
    return page.wait_for("document.querySelector('#issued').checkVisibility() && document.querySelector('#issued-secret').value")


def test_an_owner_pairs_invites_and_sends_away(chromium, firefox, daemon, open_page):
    owner = open_page(chromium, daemon.url(), ready=False)
    owner.wait_for(SIGN_IN)
    fill(owner, "#sign-in-name", "Anna")
    fill(owner, "#sign-in-code", "0000-0000")
    owner.click("#sign-in-submit")
    owner.wait_for("document.querySelector('#sign-in-error').textContent")
    assert "Set up this door" == owner.text("#sign-in-title")
    pair(owner, daemon, "Anna")
    assert owner.text("#household-me") == "You are Anna, owner."
    assert not owner.is_visible("#name"), "the household has named her"

    link = invite(owner, "Ben")
    assert owner.wait_for("document.querySelector('#issued-picture').naturalWidth > 0")
    ben = open_page(firefox, link, ready=False)
    ben.wait_for(SIGN_IN)
    assert ben.text("#sign-in-title") == "You are invited"
    ben.click("#sign-in-submit")
    ben.wait_until_ready()
    assert ben.evaluate("location.hash") == ""
    assert not ben.is_visible("#household-fold")
    owner.wait_for("window.doorward.state.participants.some(({ name }) => name === 'Ben')")
    ben.click("#watch")
    ben.wait_for_phase("live", seconds=20)

    # the same link again, as a thief would
    thief = open_page(chromium, link, ready=False)
    thief.wait_for(SIGN_IN)
    thief.click("#sign-in-submit")
    thief.wait_for("document.querySelector('#sign-in-error').textContent.includes('has been used')")

    remove = "document.querySelector('[aria-label^=\"Remove Ben\"]')"
    owner.evaluate("void document.querySelector('#household-fold').dispatchEvent(new Event('toggle'))")
    owner.wait_for(remove)
    owner.evaluate(f"{remove}.click()")
    owner.evaluate(f"{remove}.click()")
    wait_until_signed_out(ben, seconds=5)
    owner.wait_for(f"!{remove}")
    assert daemon.wait_for_log("was signed out")


def test_a_guest_watches_but_opens_and_switches_nothing(chromium, daemon, open_page):
    owner = open_page(chromium, daemon.url(), ready=False)
    pair(owner, daemon, "Anna")
    tomorrow = (datetime.date.today() + datetime.timedelta(days=1)).isoformat()
    guest = open_page(chromium, invite(owner, "Gert", guest_until=tomorrow), ready=False)
    guest.wait_for(SIGN_IN)
    guest.click("#sign-in-submit")
    guest.wait_until_ready()
    assert guest.text("#household-me").startswith("You are Gert, guest until ")
    # This door has no lock: who may open it is told so, and the guest that he may not.
    for page, code in [(guest, "not_allowed"), (owner, "not_configured")]:
        page.click("#watch")
        page.wait_for_phase("live", seconds=20)
        page.wait_for("doorward.state.conversation.isOpen")
        for control in ("unlock", "light"):
            page.evaluate(f"void document.querySelector('#{control}').click()")
            page.wait_for(f"doorward.state.conversation.problem === '{code}'")
    assert guest.text("#control-problem") == "You may not do that."
    for done in ("unlocked", "lit"):
        assert daemon.wait_for_log(f"door: not {done}, for “Gert”: not_allowed")
    call = "document.querySelector('#people [aria-label=\"Call Gert\"]')"
    guest.click("#hang-up")
    owner.click("#hang-up")
    assert owner.wait_for(f"Boolean({call})"), "he may be called, and call, as others"


def test_a_device_stays_signed_in_until_it_signs_out(browser, daemon, open_page):
    page = open_page(browser, daemon.url(), ready=False)
    pair(page, daemon, "Anna")
    page.goto(daemon.url())
    page.wait_until_ready()
    assert page.evaluate("document.cookie") == "", "no script can read the session"
    page.click("#sign-out")
    wait_until_signed_out(page)


def test_every_screen_has_room_for_it(chromium, daemon, open_page, tmp_path):
    pictures = Path(os.environ.get("DOORWARD_SCREENSHOTS", tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    # at the height that all of it has
    for width in (360, 768, 1440):
        for dark in (False, True):
            name = f"{width}-{'dark' if dark else 'light'}.png"
            page = open_page(chromium, daemon.url(), ready=False, width=width, height=1800, dark=dark)
            page.wait_for(SIGN_IN)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            page.screenshot(pictures / f"sign-in-{name}")
            if page.is_visible("#sign-in-name-field"):
                fill(page, "#sign-in-name", "Anna")
            fill(page, "#sign-in-code", daemon.pairing_code())
            page.click("#sign-in-submit")
            page.wait_until_ready()
            invite(page, "Ben")
            page.wait_for("document.querySelector('#household-people li')")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            assert page.evaluate(
                "[...document.querySelectorAll('#household-panel *')].every((node) => node.getBoundingClientRect().right <= "
                "document.querySelector('#household-panel').getBoundingClientRect().right)"
            )
            page.screenshot(pictures / f"household-{name}")
            page.evaluate("void (document.querySelector('#household-fold').open = false)")
            page.evaluate("void (document.querySelector('#door-settings-fold').open = true)")
            page.wait_for("document.querySelector('#setting-video-width')")
            enter(page, "#setting-door-name", "")
            save(page)
            page.wait_for("document.querySelector('#setting-door-name-error').textContent")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            assert page.evaluate(
                "[...document.querySelectorAll('#door-settings-panel *')].every((node) => node.getBoundingClientRect().right <= "
                "document.querySelector('#door-settings-panel').getBoundingClientRect().right)"
            )
            page.screenshot(pictures / f"settings-{name}")


def test_an_owner_changes_the_doors_settings_and_every_page_follows(chromium, firefox, daemon, open_page):
    owner = open_page(chromium, daemon.url(), ready=False)
    pair(owner, daemon, "Anna")
    member = open_page(firefox, invite(owner, "Ben"), ready=False)
    member.wait_for(SIGN_IN)
    member.click("#sign-in-submit")
    member.wait_until_ready()
    assert not member.is_visible("#door-settings-panel"), "it is for owners"

    owner.evaluate("void (document.querySelector('#door-settings-fold').open = true)")
    owner.wait_for("document.querySelector('#setting-door-name')?.value === 'Front door'")
    assert owner.evaluate("document.querySelector('#setting-calls-ring-timeout-ms').value") == "30", "in seconds"
    enter(owner, "#setting-door-name", "Garden gate")
    enter(owner, "#setting-calls-ring-timeout-ms", "0.2")
    save(owner)
    owner.wait_for("document.activeElement.id === 'setting-calls-ring-timeout-ms'")
    assert owner.text("#setting-calls-ring-timeout-ms-error") == "A number from 1 s to 600 s, please."
    assert member.text("#door-name") == "Front door", "all is saved or nothing"

    enter(owner, "#setting-calls-ring-timeout-ms", "2")
    save(owner)
    owner.wait_for("document.querySelector('#door-settings-saved').textContent === 'Saved.'")
    for page in (owner, member):
        page.wait_for("document.querySelector('#door-name').textContent === 'Garden gate'")
    daemon.ring()
    member.wait_for("document.querySelector('#ring').open && document.querySelector('#ring-title').textContent.includes('Garden gate')")
    member.wait_for("document.querySelector('#visits li')?.dataset.outcome === 'missed'", seconds=10)

    # and back, with the keyboard's own button
    owner.click("#setting-door-name-reset")
    save(owner)
    member.wait_for("document.querySelector('#door-name').textContent === 'Front door'")
    assert not owner.is_visible("#setting-door-name-reset")


def enter(page: Any, selector: str, text: str) -> None:
    fill(page, selector, text)
    page.evaluate(f"void document.querySelector({json.dumps(selector)}).dispatchEvent(new Event('input', {{ bubbles: true }}))")


def save(page: Any) -> None:
    page.evaluate("void document.querySelector('#door-settings-form').requestSubmit()")
