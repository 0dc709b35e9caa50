"""The page in the languages that it has."""

from __future__ import annotations

import pytest

NAMES = """(async () => {
    const names = (table, path) => Object.entries(table).flatMap(([key, value]) =>
        typeof value === "object" ? names(value, `${path}${key}.`) : `${path}${key}: ${typeof value}`);
    const [{ english }, { german }] = [await import("./english.js"), await import("./german.js")];
    return [names(english, ""), names(german, "")];
})()"""


def test_each_language_has_every_text(chromium, make_door, open_page):
    page = open_page(chromium, make_door().url())
    english, german = page.evaluate(NAMES)
    assert len(english) > 200
    assert set(german) == set(english)


def test_it_speaks_the_browsers_language_where_it_can(chromium, make_door, open_page):
    door = make_door()
    for locale, language, button in [("de-AT", "de", "Zur Tür sehen"), ("fr-FR", "en", "See the door")]:
        page = open_page(chromium, door.url(), locale=locale)
        assert page.evaluate("document.documentElement.lang") == language
        assert page.text("#watch") == button


def test_the_language_that_is_chosen_stays(browser, make_door, open_page):
    door = make_door()
    page = open_page(browser, door.url())
    door.next_viewer()
    for code, button in [("de", "Zur Tür sehen"), ("", "See the door")]:
        page.evaluate(
            f"Object.assign(document.querySelector('#language'), {{ value: '{code}' }}).dispatchEvent(new Event('change'))"
        )
        door.next_viewer()  # it has loaded itself anew
        page.wait_until_ready()
        assert page.text("#watch") == button
        assert page.evaluate("document.querySelector('#language').value") == code


@pytest.mark.parametrize("width", [360, 768])
def test_the_longer_words_of_german_fit_the_screen(chromium, make_door, open_page, width):
    door = make_door(camera="test-card", microphone="tone", speaker="none")
    page = open_page(chromium, door.url(), width=width, height=740, locale="de-DE")
    viewer = door.next_viewer()
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    page.click("#watch")
    viewer.expect("call-initiate")
    page.wait_for_phase("connecting")
    assert page.evaluate(fits)
