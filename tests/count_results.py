#!/usr/bin/env python3
"""count_results.py FAILED_STEPS RESULTS.xml...: adds up what ctest and the programs it ran wrote, and prints one line.

A program of GoogleTest counts with its cases (test-results/NAME.xml beside the ctest results), everything else as one. A step
that failed although none of its tests did (it did not build) counts as one failure.
"""
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def cases(path):
    """What each case of a GoogleTest program did."""
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None:
            yield "failed", f"{case.get('classname')}.{case.get('name')}"
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            yield "skipped", f"{case.get('classname')}.{case.get('name')}"
        else:
            yield "passed", ""


def tests(results):
    """What each test of a ctest run did, its programs taken apart into their cases."""
    for test in ElementTree.parse(results).iter("testcase"):
        name = test.get("name")
        outcome = "passed" if test.get("status") == "run" else "failed"
        details = results.parent / "test-results" / f"{name}.xml"
        did = list(cases(details)) if details.exists() else []
        yield from did or [(outcome, name)]
        # It crashed, hung, or a sanitizer spoke at its end.
        if did and outcome == "failed" and all(what != "failed" for what, _ in did):
            yield "failed", name


def main():
    failed_steps, files = int(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for results in files:
        for outcome, name in tests(results):
            count[outcome] += 1
            if outcome != "passed":
                print(f"{outcome}: {name} ({results.parent.name})")
    count["failed"] = max(count["failed"], failed_steps)
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"{count['passed']} passed, {count['failed']} failed{skipped}")
    return 1 if count["failed"] else 0


sys.exit(main())
