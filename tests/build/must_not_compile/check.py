#!/usr/bin/env python3
"""Fails when a file in this folder compiles, or is refused without the words it expects.

usage: check.py COMPILER [flags …]. The first line of each case is `// expect: ` and a regular expression.
"""
import pathlib
import re
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
include = here.parents[2] / "include"
bad = []
cases = sorted(here.glob("*.cc"))
for case in cases:
    expected = case.read_text().splitlines()[0].removeprefix("// expect: ")
    done = subprocess.run([*sys.argv[1:], "-std=c++20", f"-I{include}", "-fsyntax-only", case], capture_output=True, text=True)
    if done.returncode == 0:
        bad.append(f"{case.name} compiles")
    elif not re.search(expected, done.stderr):
        bad.append(f"{case.name} is refused without {expected!r}:\n{done.stderr}")
print("\n".join(bad) or f"{len(cases)} cases are refused as they should be")
sys.exit(bool(bad) or not cases)
