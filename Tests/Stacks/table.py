"""The table of what went well, from pytest's reports."""

from __future__ import annotations

from typing import Any

#: The columns that say which call it is.
HEADINGS = ["stack", "offer by", "our role"]


def text(reports: list[Any]) -> str:
    """A row for each (stack, offerer, role), a column for each check; why a cell is n/a stands below."""
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    columns: list[str] = []
    reasons: list[str] = []
    for report in reports:
        if report.column not in columns:
            columns.append(report.column)
        cells = rows.setdefault(tuple(report.row), {})
        outcome = cell(report, reasons)
        # of the reports on setting up, the check and tearing down, the worst counts
        if outcome and cells.get(report.column) != "FAIL":
            cells[report.column] = outcome
    lines = [[*HEADINGS, *columns]]
    for (stack, offerer, role), cells in rows.items():
        lines.append([stack, "us" if offerer == "we_offer" else "them", role, *(cells.get(column, "-") for column in columns)])
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    printed = ["  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines]
    printed.insert(1, "  ".join("-" * width for width in widths))
    total = [outcome for cells in rows.values() for outcome in cells.values()]
    passed, failed = total.count("pass"), total.count("FAIL")
    return "\n".join(
        [
            *printed,
            *(f"n/a {number}: {reason}" for number, reason in enumerate(reasons, 1)),
            f"{passed} pass, {failed} fail, {len(total) - passed - failed} n/a",
        ]
    )


def cell(report: Any, reasons: list[str]) -> str | None:
    if report.failed:
        return "FAIL"
    if report.skipped:
        reason = report.longrepr[2].removeprefix("Skipped: ").removeprefix("n/a: ")
        if reason not in reasons:
            reasons.append(reason)
        return f"n/a {reasons.index(reason) + 1}"
    return "pass" if report.when == "call" else None
