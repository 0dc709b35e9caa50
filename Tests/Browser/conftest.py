"""Fixtures of the browser tests: two browsers, the daemon, and a door that does what a test says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Playwright, sync_playwright

from browser import Browser, Page
from chromium import Chromium
from daemon import BINARY, Daemon
from fake_door import FakeDoor
from firefox import Firefox
from network import enter_private_network_for


# after the plugins that connect with one another
@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    enter_private_network_for(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failed test's report has what every daemon it started wrote, and what its pages thought. That of one that then passes says why it
    had failed before."""
    report = yield
    if report.failed:
        item.user_properties.append(("failed attempt", f"{report.longreprtext}"))
    if report.when == "call" and report.failed:
        for daemon in getattr(item, "daemons", []):
            report.sections.append(("daemon's log", daemon.log))
        for page in getattr(item, "pages", []):
            try:
                report.sections.append(("page", page.describe()))
            except Exception as error:  # The page itself may be what broke.
                report.sections.append(("page", f"tells nothing: {error}"))
    return report


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Chromium]:
    browser = Chromium(playwright)
    yield browser
    browser.stop()


@pytest.fixture(scope="session")
def firefox() -> Iterator[Firefox]:
    browser = Firefox()
    yield browser
    browser.stop()


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Browser:
    """Each browser in turn: a test that asks for this runs once in each."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def open_page(request: pytest.FixtureRequest) -> Iterator[Any]:
    """`open_page(browser, url, …)`: a page that is closed with the test, and ready unless the test says otherwise."""
    pages: list[Page] = []
    request.node.pages = pages

    def open_page(browser: Browser, url: str, *, ready: bool = True, **options: Any) -> Page:
        page = browser.open(url, **options)
        pages.append(page)
        if ready:
            page.wait_until_ready()
        return page

    yield open_page
    for page in pages:
        try:
            page.close()
        except Exception:  # A test that kills its browser has closed its pages.
            pass


@pytest.fixture
def start_daemon(request: pytest.FixtureRequest) -> Iterator[Any]:
    """`start_daemon(**{"key.path": value})`: a daemon with settings of the test's own; `through` is a command that starts it."""
    if not BINARY.is_file():
        pytest.fail(f"no daemon at {BINARY}: build it (swift build -c release) or name it in DOORWARD_BINARY")
    daemons: list[Daemon] = []
    request.node.daemons = daemons

    def start(*, through: list[str] | None = None, **settings: Any) -> Daemon:
        daemons.append(Daemon(settings, through))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.stop()


@pytest.fixture
def daemon(start_daemon: Any) -> Daemon:
    """A daemon without any device: test card, tone, no speaker, no button but `doorward ring`."""
    return start_daemon()


@pytest.fixture
def make_door() -> Iterator[Any]:
    """`make_door(**options)`: a FakeDoor."""
    doors: list[FakeDoor] = []

    def make(**options: Any) -> FakeDoor:
        doors.append(FakeDoor(**options))
        return doors[-1]

    yield make
    for door in doors:
        door.stop()
