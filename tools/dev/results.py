"""Adds up ctest's JUnit files: results.py [--total] FILE...

--total prints the plain line `N passed, N failed[, N skipped]`, otherwise the line names its files. A skipped test is a
test that did not run: it is always said, and under CI=true it is a failure of the run. A ctest that ran a whole
GoogleTest program counts as the tests the program says it ran.
"""
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

paths = [pathlib.Path(path) for path in sys.argv[1:] if path != "--total"]
passed = failed = skipped = 0
for path in paths:
    if not path.exists():
        continue
    suite = xml.parse(path).getroot()
    for case in suite.iter("testcase"):
        output = case.findtext("system-out") or ""
        says = lambda verdict: sum(map(int, re.findall(rf"^\[ *{verdict} *\] (\d+) tests?\b", output, re.MULTILINE)))
        if case.get("status") not in ("run", "fail") or says("SKIPPED"):
            print(f"skipped: {case.get('name')} ({path.stem})")
            skipped += says("SKIPPED") or 1
        if case.get("status") == "run":
            passed += says("PASSED") or 1
        elif case.get("status") == "fail":
            print(f"failed: {case.get('name')} ({path.stem})")
            passed += says("PASSED")
            failed += says("FAILED") or 1

line = f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
print(line if "--total" in sys.argv else f"== {', '.join(path.stem for path in paths)}: {line}")
sys.exit(bool(failed or passed == 0 or (skipped and os.environ.get("CI") == "true")))
