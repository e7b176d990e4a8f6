#!/usr/bin/env python3
"""Says which files include what their layer must not know, and fails if any does.

A layer knows itself and the layers below it. Recording code pulls in public headers, so those reach nothing but the
standard library; third-party packages stay in .cc files of the layers that move bytes; what is in detail/ is for the
library and its own tests.
"""
import pathlib
import re
import sys

LAYERS = ["core", "spans", "encoding", "export", "runtime"]  # each may know those before it
BESIDE = "testing"  # knows core; known by tests only
FOLDERS = [*LAYERS, BESIDE]
THIRD_PARTY = re.compile(r"(curl|protozero|asio|boost|google|gtest|gmock|benchmark)/|"
                         r"(microhttpd|zlib|zstd|lz4\w*|asio)\.(h|hpp)$")
THIRD_PARTY_OF = {"encoding": re.compile(r"protozero/")}  # beside what layers that move bytes may use
STANDARD = re.compile(r"\w+$")  # <cstdint>: one word, no suffix
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
DETAIL_USERS = {"unit", "model", "stress", "build", "platform", "support"}  # folders of tests/ that may look inside

# Beyond the layers: who must not include what.
FORBIDDEN = {
    "core": re.compile(r"iostream$"),
    "encoding": re.compile(r"fast_telemetry/registry\.h$|(sys/socket|netdb)\.h$|(netinet|arpa)/"),
}


def layer_of(path):
    """The layer of a file under include/ or src/; headers that lie flat in include/fast_telemetry are core."""
    return next((part for part in path.parts[1:-1] if part in FOLDERS), "core")


def layer_of_header(header):
    """The layer of a header of ours, public or private, by its path; None for any other header."""
    if header.startswith("fast_telemetry/"):
        folder = header.split("/")[1]
        return folder if folder in FOLDERS else "core"
    match = re.match(r"(?:src/|\.\./)?(\w+)/", header)
    return match[1] if match and match[1] in FOLDERS else None


def may_know(layer, known):
    if BESIDE in (layer, known):
        return layer == BESIDE and known in (BESIDE, "core")
    return LAYERS.index(known) <= LAYERS.index(layer)


def problem(path, header):
    """What is wrong with this file including this header, or None."""
    ours = header.startswith("fast_telemetry/")
    if path.parts[0] == "tests" and header == "fast_telemetry/detail/abi.h":
        return None  # how to open the namespace, for helpers that live in it
    if path.parts[0] in ("bench", "examples") and layer_of_header(header) == BESIDE:
        return f"{BESIDE} is for tests"
    if path.parts[0] in ("bench", "examples") or (path.parts[0] == "tests" and path.parts[1] not in DETAIL_USERS):
        return "detail/ is for the library itself" if header.startswith("fast_telemetry/detail/") else None
    if path.parts[0] == "tests":
        return None

    layer = layer_of(path)
    known = layer_of_header(header)
    if known and not may_know(layer, known):
        return f"{layer} must not know {known}"
    if layer in FORBIDDEN and FORBIDDEN[layer].search(header):
        return f"{layer} must do without it"
    if path.parts[0] == "include":
        if not (ours or STANDARD.match(header) or path.name.startswith("rseq_")):
            return "public headers reach only the standard library and each other"
    elif layer in ("core", "spans", "encoding", BESIDE) and THIRD_PARTY.match(header):
        if not (layer in THIRD_PARTY_OF and THIRD_PARTY_OF[layer].match(header)):
            return f"{layer} does not depend on that package"
    return None


def problems(root):
    for folder in ("include", "src", "bench", "examples", "tests"):
        for file in sorted((root / folder).rglob("*.[hc]*")):
            path = file.relative_to(root)
            if file.suffix not in (".h", ".cc"):
                continue
            for number, line in enumerate(file.read_text().splitlines(), 1):
                if (match := INCLUDE.match(line)) and (what := problem(path, match[1])):
                    yield f"{path}:{number}: {match[1]}: {what}"


if __name__ == "__main__":
    found = list(problems(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
    print("\n".join(found) or "layers: every file includes only what it may know")
    sys.exit(bool(found))
