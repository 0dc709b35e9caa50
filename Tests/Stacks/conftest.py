"""Our peer in calls with other WebRTC stacks; at the end a table of what went well."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

import table
from aiortc_stack import AiortcStack
from browser_stack import BrowserStack, PageServer
from call import Call
from chromium import Chromium
from firefox import Firefox
from gstreamer_stack import GStreamerStack
from network import enter_private_network_for
from stack import TONE, Lacking, Stack

STACKS = ["chromium", "firefox", "aiortc", "gstreamer"]


# after the plugins that connect with one another
@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    enter_private_network_for(config)


@pytest.fixture(scope="session")
def pages() -> Iterator[PageServer]:
    server = PageServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = Chromium(playwright)
        yield browser
        browser.stop()


@pytest.fixture(scope="session")
def firefox() -> Iterator[Firefox]:
    browser = Firefox({"media.navigator.audio.fake_frequency": TONE})
    yield browser
    browser.stop()


@pytest.fixture(scope="module")
def open_stack(request: pytest.FixtureRequest) -> Callable[[str], Stack]:
    """`open_stack(name)`: a new connection of that stack."""

    def open_stack(name: str) -> Stack:
        if name in ("chromium", "firefox"):
            return BrowserStack(request.getfixturevalue(name), request.getfixturevalue("pages").url)
        return AiortcStack() if name == "aiortc" else GStreamerStack()

    return open_stack


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((stack, offerer, role), id=(name := f"{stack}-{offerer}-{role}"), marks=pytest.mark.xdist_group(name))
        for stack in STACKS
        for offerer in ("they_offer", "we_offer")
        for role in ("client", "server")
    ],
)
def fresh_call(request: pytest.FixtureRequest, open_stack: Callable[[str], Stack]) -> Iterator[Call]:
    """A call for all checks of one stack, one offerer, and one DTLS role of ours."""
    stack, offerer, role = request.param
    call = Call(open_stack(stack), we_offer=offerer == "we_offer", role=role)
    yield call
    call.close()


@pytest.fixture
def call(fresh_call: Call) -> Call:
    """The call, once it is connected."""
    if not fresh_call.is_connected:
        pytest.fail("the call did not connect")
    return fresh_call


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    try:
        return (yield)
    except Lacking as lacking:
        pytest.skip(f"n/a: {lacking}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A report knows which cell of the table it is."""
    report = yield
    marker = item.get_closest_marker("cell")
    if marker and isinstance(item, pytest.Function):
        report.row, report.column = item.callspec.params["fresh_call"], marker.args[0]
        if report.failed and report.when == "call" and (opened := item.funcargs.get("fresh_call")):
            report.sections.append(("last offer", opened.offer.get("sdp", "")))
            report.sections.append(("last answer", opened.answer.get("sdp", "")))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for group in terminalreporter.stats.values() for report in group if hasattr(report, "row")]
    if reports:
        terminalreporter.section("other stacks")
        terminalreporter.write_line(table.text(reports))
