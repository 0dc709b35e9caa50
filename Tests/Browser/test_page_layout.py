"""What the page looks like, as far as a program can judge; `states.py` makes pictures for the eye."""

from __future__ import annotations

from typing import Any

import pytest

from chromium import FLAGS, Chromium

SIZES = [(360, 740), (740, 360), (820, 1180), (1440, 900)]

# WCAG 2.1 contrast of every visible text against the opaque colour behind it; texts over the picture stand on a dark veil.
CONTRASTS = """(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
        return { channels: [red, green, blue], alpha: alpha / 255 };
    };
    const luminance = (channels) => {
        const [red, green, blue] = channels.map((value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const backgroundOf = (element) => {
        for (let node = element; node; node = node.parentElement) {
            const { channels, alpha } = rgba(getComputedStyle(node).backgroundColor);
            if (alpha > 0.7) return channels;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join("");
        if (!text || !element.checkVisibility({ opacityProperty: true }) || element.closest("[aria-disabled=true], .status")) continue;
        const style = getComputedStyle(element);
        const pair = [luminance(rgba(style.color).channels), luminance(backgroundOf(element))].sort((one, other) => other - one);
        const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
        found.push({ text, contrast: (pair[0] + 0.05) / (pair[1] + 0.05), wanted: isLarge ? 3 : 4.5 });
    }
    return found;
})()"""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_is_wider_than_the_screen_and_the_button_is_in_sight(browser, make_door, open_page, size):
    width, height = size
    door = make_door(camera="test-card", microphone="tone", speaker="none")
    page = open_page(browser, door.url(), width=width, height=height)
    door.broadcast(type="call-accepted", call=door.ring(), by={"id": "x", "name": "A-name-without-any-gap-" * 2})
    page.wait_for("document.querySelectorAll('#visits li').length")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.evaluate("document.querySelector('#watch').getBoundingClientRect()")
    assert box["left"] >= 0 and box["right"] <= width and box["bottom"] <= height
    assert box["height"] >= 48


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_ring_fits_the_screen(browser, make_door, open_page, size):
    width, height = size
    door = make_door()
    page = open_page(browser, door.url(), width=width, height=height)
    door.ring()
    page.wait_for("document.querySelector('#ring').open")
    for button in ("#accept", "#decline"):
        box = page.evaluate(f"document.querySelector('{button}').getBoundingClientRect()")
        assert 0 <= box["left"] and box["right"] <= width and 0 <= box["top"] and box["bottom"] <= height
        assert box["height"] >= 48 and box["width"] >= 120


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("is_ringing", [False, True], ids=["idle", "ringing"])
def test_every_text_has_the_contrast_of_level_aa(chromium, make_door, open_page, scheme, is_ringing):
    door = make_door(camera="test-card")
    page = open_page(chromium, door.url(), dark=scheme == "dark")
    door.broadcast(type="call-hangup", call=door.ring(), reason="unanswered")
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    if is_ringing:
        door.ring()
        page.wait_for("document.querySelector('#ring').open")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 15
    assert [text for text in found if text["contrast"] < text["wanted"]] == []


def test_every_control_has_a_name(browser, make_door, open_page):
    page = open_page(browser, make_door().url())
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, summary, video, section, dialog")]
            .filter((element) => {
                const by = (element.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
                const labelled = by.length > 0 && by.every((id) => document.getElementById(id));
                return !labelled && !element.ariaLabel && !element.labels?.length && !element.textContent.trim();
            })
            .map((element) => element.id || element.outerHTML)"""
    )
    # Buttons of a call under way get their words with it.
    assert [name for name in nameless if name not in ("sound", "talk", "full-screen", "ring")] == []


@pytest.fixture
def strict_chromium(playwright: Any) -> Any:
    """A Chromium that, like everybody's, gives sound only after a touch."""
    browser = Chromium(playwright, flags=[flag for flag in FLAGS if not flag.startswith("--autoplay")])
    yield browser
    browser.stop()


def test_a_page_that_may_not_sound_yet_says_so_and_sounds_after_a_touch(strict_chromium, make_door, open_page):
    door = make_door()
    page = open_page(strict_chromium, door.url())
    page.wait_for("document.querySelector('#ring-locked').checkVisibility()")
    door.ring()
    page.wait_for("document.querySelector('#ring-silent').checkVisibility()")
    page.click("#ring-title")
    page.wait_for("!doorward.state.isRingLocked && !document.querySelector('#ring-silent').checkVisibility()")
    assert page.evaluate("document.querySelector('#ring').open"), "a touch beside the buttons answers nothing"
