#!/usr/bin/env python3
"""Fails when a C++ sample in the documentation is not part of a compiled file, a link leads nowhere, or a table of
benchmarks is not what its result gives.

A sample counts as compiled when its lines stand, in order and without gaps, in a file under examples/ or docs/snippets/
(indentation aside). Those files are build targets.
"""
import pathlib
import re
import sys

from bench import docs

root = pathlib.Path(__file__).resolve().parent.parent
pages = [root / "README.md", root / "CONTRIBUTING.md", root / "SECURITY.md", root / "CHANGELOG.md"]
pages += sorted((root / "docs").rglob("*.md"))


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


compiled = ["\n".join(lines(path.read_text())) for folder in ("examples", "docs/snippets")
            for path in sorted((root / folder).rglob("*")) if path.suffix in (".cc", ".h")]
bad = docs.stale()
for page in pages:
    text = page.read_text()
    for sample in re.findall(r"```cpp\n(.*?)```", text, re.S):
        wanted = "\n".join(lines(sample))
        if not any(wanted in source for source in compiled):
            bad.append(f"{page.relative_to(root)}: sample is in no compiled file: {lines(sample)[0]!r} …")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        if not (page.parent / target).exists():
            bad.append(f"{page.relative_to(root)}: link to {target}, which does not exist")
print("\n".join(bad) or f"{len(pages)} pages: every sample compiles, every link resolves, every table is its result's")
sys.exit(bool(bad))
