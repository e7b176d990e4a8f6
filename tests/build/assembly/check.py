#!/usr/bin/env python3
"""Promises about recording that only the machine code can break.

usage: check.py here COMPILER [flags …]      on this machine, which is an x86-64
       check.py aarch64 COMPILER [flags …]   a cross compiler

The straight path of a record, from the function's start to its return, has no locked instruction and calls nothing; for
a counter it is 13 instructions (GCC) or 15 (Clang). On AArch64 the abort code is aligned like any code. A compiler that is missing is a skip: .ci/run fails on it.

Parity: W-01.

Mutations: `lock` before an `addq` of rseq_x86_64.h, or one instruction more; rseq_add not inlined, or `asm goto` without `inline`
(GCC's add_sets); an atomic instruction in
rseq_aarch64.h; its `.balign 4` before the signature left out (red with Clang).
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
here = pathlib.Path(__file__).resolve().parent
root = here.parents[2]
what, compiler, *flags = sys.argv[1:]
aarch64 = what == "aarch64"
if not shutil.which(compiler):
    print(f"SKIPPED: there is no {compiler} here")
    sys.exit(SKIPPED)

# Counted: GCC 12; Clang 14 and 19, which reach both of the library's constants through the global offset table.
MOST_FOR_A_COUNTER = 15 if "clang" in compiler else 13
RETURN = r"ret\w*"
CALL = r"(bl|blr)" if aarch64 else r"call\w*"
# Exclusive loads and stores, and the one-instruction atomics of Armv8.1.
LOCKED = (r"(ld\w*x[rp]|st\w*x[rp]|ld(add|set|clr|eor|smax|smin|umax|umin)\w*|cas\w*|swp\w*|dmb|dsb)"
          if aarch64 else r"(lock|xchg\w*|mfence)")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def straight_path(objdump, binary, function):
    """Instructions from the function's start to its first return."""
    text = run(objdump, "-d", "--no-show-raw-insn", f"--disassemble={function}", binary)
    instructions = re.findall(r"^\s*[0-9a-f]+:\s+(\S.*)$", text, re.MULTILINE)
    for n, instruction in enumerate(instructions):
        if re.match(RETURN, instruction):
            return instructions[:n]
    sys.exit(f"{function} does not return:\n{text}")


def check(objdump, binary):
    for function in ["add_one", "add_many", "set_gauge", "record_integer", "record_double", "record_distribution",
                     "record_traced", "observe_max", "add_sets"]:
        path = straight_path(objdump, binary, function)
        listing = f"{function}:\n  " + "\n  ".join(path)
        for rule, pattern in (("calls", CALL), ("locks", LOCKED)):
            if any(re.match(pattern + r"\b", instruction) for instruction in path):
                sys.exit(f"the straight path of a record {rule}\n{listing}")
        if function == "add_one" and not aarch64 and len(path) > MOST_FOR_A_COUNTER:
            sys.exit(f"an add has grown to {len(path)} instructions\n{listing}")
        print(f"{function}: {len(path)} instructions before its return")


def check_alignment(binary):
    """The kernel jumps to abort code: an assembler that aligns only what it knows as code may leave it anywhere."""
    headers = run("aarch64-linux-gnu-readelf", "--sections", "--wide", binary)
    alignments = re.findall(r"\] \.text\.unlikely\.ft_rseq\S*\s.*?(\d+)$", headers, re.MULTILINE)
    if not alignments or any(int(alignment) < 4 for alignment in alignments):
        sys.exit(f"abort code is not aligned to 4 bytes\n{headers}")
    print(f"{len(alignments)} sections of abort code are aligned")


base = [compiler, "-std=c++20", f"-I{root}/include", "-Wall", "-Wextra", "-Werror", *flags]
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run(*base, "-DFAST_TELEMETRY_RSEQ=1", "-O2", "-c", here / "recording.cc", "-o", folder / "recording.o")
    check("aarch64-linux-gnu-objdump" if aarch64 else "objdump", folder / "recording.o")
    if aarch64:
        for optimisation in "-O0", "-O2":
            run(*base, "-DFAST_TELEMETRY_RSEQ=1", optimisation, "-fPIC", "-c", here / "recording.cc", "-o", folder / "unit.o")
            check_alignment(folder / "unit.o")
