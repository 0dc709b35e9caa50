"""summarise.py RESULTS: what the stages of board/test came to.

RESULTS/stages has a line "name status seconds" for each stage, RESULTS/<name>.xml and RESULTS/<name>-*.xml are its JUnit reports. A stage
without tests of its own (a build, a linter) counts as one; so does the failure of a stage whose reports do not show it. Tests that failed
are named with what they said, for whoever has only the log's end; so are those that passed at a later attempt. The last line printed is
"N passed, N failed"; the exit status is 0 when nothing failed.
"""

import pathlib
import sys
import textwrap
import xml.etree.ElementTree

WITHOUT_REPORTS = {"lint", "build"}
# Of a failed test: where it failed and why come last in pytest's reports, and are all that Swift Testing's have.
LINES_TOLD = 25
# When more than these failed, their reasons are in the log above and the rest has its names here.
REASONS_TOLD = 10


def read(reports):
    """What a stage's reports count, and two lists of pairs of a name and a text: tests that failed (a report that cannot be read is one),
    and attempts that failed of tests that passed then."""
    passed = failed = skipped = 0
    failures, attempts = [], {}
    for report in reports:
        try:
            tree = xml.etree.ElementTree.parse(report)
        except xml.etree.ElementTree.ParseError as error:
            failed += 1
            failures.append((report.name, f"is no report: {error}"))
            continue
        for suite in tree.iter("testsuite"):
            number = {key: int(suite.get(key) or 0) for key in ("tests", "failures", "errors", "skipped")}
            failed += number["failures"] + number["errors"]
            skipped += number["skipped"]
            passed += number["tests"] - number["failures"] - number["errors"] - number["skipped"]
        for case in tree.iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            outcomes = [*case.findall("failure"), *case.findall("error")]
            failures += [(name, outcome.text or outcome.get("message") or "") for outcome in outcomes]
            # pytest reports each attempt, and tells with each of those before
            for attempt in case.findall("properties/property[@name='failed attempt']"):
                attempts[name, attempt.get("value")] = None
    names = {name for name, _ in failures}
    return passed, failed, skipped, failures, [attempt for attempt in attempts if attempt[0] not in names]


def main(results):
    total_passed = total_failed = 0
    rows, told, told_attempts = [], [], []
    for line in (results / "stages").read_text().splitlines():
        stage, status, seconds = line.split()
        reports = sorted([*results.glob(f"{stage}.xml"), *results.glob(f"{stage}-*.xml")])
        passed, failed, skipped, failures, attempts = read(reports)
        note = ""
        if stage in WITHOUT_REPORTS:
            passed, failed = (1, 0) if status == "0" else (0, 1)
        elif status != "0" and failed == 0:
            failed, note = 1, f"  ended with status {status}"
        elif passed + failed == 0:
            failed, note = 1, "  ran no tests"
        rows.append(f"{stage:<12}{passed:>8}{failed:>8}{skipped:>9}{seconds:>9}{note}")
        told += [("failed", stage, *failure) for failure in failures]
        told_attempts += [("failed, then passed", stage, *attempt) for attempt in attempts]
        total_passed += passed
        total_failed += failed

    for index, (what, stage, name, text) in enumerate(told + told_attempts):
        print(f"\n{what}, {stage}: {name}")
        if index < REASONS_TOLD:
            print(textwrap.indent("\n".join(text.strip().splitlines()[-LINES_TOLD:]), "    "))
    print(f"\n{'stage':<12}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    print("\n".join(rows))
    print(f"\n{total_passed} passed, {total_failed} failed")
    return total_failed == 0


if __name__ == "__main__":
    sys.exit(0 if main(pathlib.Path(sys.argv[1])) else 1)
