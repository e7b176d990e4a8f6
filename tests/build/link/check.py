#!/usr/bin/env python3
"""Links two units that share inline recording code, in the ways people link, and runs the result.

usage: check.py COMPILER CORE_LIBRARY RSEQ(0|1) [extra compiler flags …]

Mutation: with the descriptors in one named section instead of one per site (rseq_x86_64.h, ".%=" and "?" taken out) the
units do not link at -O0, or the dead code stays with --gc-sections.
"""
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
root = here.parents[2]
compiler, library, rseq, *extra = sys.argv[1:]
clang = "clang" in compiler
lto = ["-flto", "-O2"] + (["-fuse-ld=lld"] if clang else [])
gc = ["-O2", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]

VARIANTS = {
    "-O0": ["-O0"],
    "-Os": ["-Os"],
    "-O2": ["-O2"],
    "-O2 no-pie": ["-O2", "-fno-pie", "-no-pie"],
    "-O2 pie": ["-O2", "-fPIE", "-pie"],
    "LTO": lto,
    "gc-sections": gc,
    "-O0 gc-sections": ["-O0", "-ffunction-sections", "-Wl,--gc-sections"],
    "gc-sections LTO": gc + lto,
}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def symbols(binary):
    return run("nm", "-C", binary)


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    base = [compiler, "-std=c++20", f"-DFAST_TELEMETRY_RSEQ={rseq}", f"-I{root}/include", *extra]
    for name, flags in VARIANTS.items():
        binary = folder / "program"
        run(*base, *flags, here / "first.cc", here / "second.cc", library, "-pthread", "-o", binary)
        run(binary)
        if "gc-sections" in name and "unreached" in symbols(binary):
            sys.exit(f"{name}: dead recording code was not collected")
        print(f"{name}: links and counts")

    # As a shared object: the same units behind position-independent code.
    shared, host = folder / "libunits.so", folder / "host.cc"
    run(*base, "-O2", "-fPIC", "-shared", "-Dmain=units_main", here / "first.cc", here / "second.cc", library, "-pthread",
        "-o", shared)
    host.write_text("int units_main();\nint main() { return units_main(); }\n")
    run(*base, host, shared, f"-Wl,-rpath,{folder}", "-o", folder / "host")
    run(folder / "host")
    print("shared object: links and counts")
