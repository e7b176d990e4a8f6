#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files of tests/golden anew from what the code does now, and shows the difference for review.

usage: tools/update_golden.py [build folder, default build/release]
"""
import os
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / "build" / "release").resolve()

programs = sorted(path for path in (build / "tests" / "golden").glob("*_test") if os.access(path, os.X_OK))
if not programs:
    sys.exit(f"no golden tests in {build}: build first (./dev build)")

golden = root / "tests" / "golden"
before = {file: file.stat().st_mtime_ns for file in golden.glob("*/*.txt")}
for program in programs:
    subprocess.run([program, "--gtest_brief=1"], check=True, env={**os.environ, "FAST_TELEMETRY_UPDATE_GOLDEN": "1"})

# A file whose rule is gone must go. Only beside files just written: another build may write the other folders.
written = {file.parent for file in golden.glob("*/*.txt") if file.stat().st_mtime_ns != before.get(file)}
for file, time in before.items():
    if file.parent in written and file.stat().st_mtime_ns == time:
        file.unlink()
subprocess.run(["git", "-C", root, "status", "--short", "--", "tests/golden"], check=True)
subprocess.run(["git", "-C", root, "--no-pager", "diff", "--stat", "--", "tests/golden"], check=True)
