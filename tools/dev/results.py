"""Adds up ctest's JUnit files: results.py [--total] FILE...

--total prints the plain line `N passed, N failed[, N skipped]`, otherwise the line names its files. A skipped test is a
test that did not run: it is always said, and under CI=true it is a failure of the run.
"""
import os
import pathlib
import sys
import xml.etree.ElementTree as xml

paths = [pathlib.Path(path) for path in sys.argv[1:] if path != "--total"]
total = failed = skipped = 0
for path in paths:
    if not path.exists():
        continue
    suite = xml.parse(path).getroot()
    total += int(suite.get("tests"))
    failed += int(suite.get("failures"))
    skipped += int(suite.get("skipped")) + int(suite.get("disabled"))
    for case in suite.iter("testcase"):
        if case.get("status") not in ("run", "fail"):
            print(f"skipped: {case.get('name')} ({path.stem})")

line = f"{total - failed - skipped} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
print(line if "--total" in sys.argv else f"== {', '.join(path.stem for path in paths)}: {line}")
sys.exit(bool(failed or total == 0 or (skipped and os.environ.get("CI") == "true")))
