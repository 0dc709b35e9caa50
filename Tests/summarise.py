"""summarise.py RESULTS: what the stages of board/test came to.

RESULTS/stages has a line "name status seconds" for each stage, RESULTS/<name>.xml and RESULTS/<name>-*.xml are its JUnit reports. A stage
without tests of its own (a build, a linter) counts as one; so does the failure of a stage whose reports do not show it. The last line
printed is "N passed, N failed"; the exit status is 0 when nothing failed.
"""

import pathlib
import sys
import xml.etree.ElementTree

WITHOUT_REPORTS = {"lint", "build"}


def count(reports):
    passed = failed = skipped = 0
    for report in reports:
        for suite in xml.etree.ElementTree.parse(report).iter("testsuite"):
            number = {key: int(suite.get(key) or 0) for key in ("tests", "failures", "errors", "skipped")}
            failed += number["failures"] + number["errors"]
            skipped += number["skipped"]
            passed += number["tests"] - number["failures"] - number["errors"] - number["skipped"]
    return passed, failed, skipped


def main(results):
    total_passed = total_failed = 0
    print(f"\n{'stage':<12}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for line in (results / "stages").read_text().splitlines():
        stage, status, seconds = line.split()
        reports = sorted([*results.glob(f"{stage}.xml"), *results.glob(f"{stage}-*.xml")])
        passed, failed, skipped = count(reports)
        note = ""
        if stage in WITHOUT_REPORTS:
            passed, failed = (1, 0) if status == "0" else (0, 1)
        elif status != "0" and failed == 0:
            failed, note = 1, f"  ended with status {status}"
        elif passed + failed == 0:
            failed, note = 1, "  ran no tests"
        print(f"{stage:<12}{passed:>8}{failed:>8}{skipped:>9}{seconds:>9}{note}")
        total_passed += passed
        total_failed += failed
    print(f"\n{total_passed} passed, {total_failed} failed")
    return total_failed == 0


if __name__ == "__main__":
    sys.exit(0 if main(pathlib.Path(sys.argv[1])) else 1)
