#!/usr/bin/env python3
"""Checks every public header: it compiles alone, it links twice, and a recording header stays light.

    check_headers.py [--compiler g++]... [--together] [--time]

Weight is counted in lines of `g++ -std=c++20 -E -P` of a file that only includes the header: a number that does not
flicker, unlike the time it stands for (on the machine where the budgets were set, <array> was 9 700 lines and 52 ms of
CPU, <atomic> 24 200 lines and 211 ms). --time prints that time too. Budgets hold for GCC and its library, version 12.
"""
import argparse
import concurrent.futures
import os
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = ROOT / "include"
FLAGS = ["-std=c++20", f"-I{INCLUDE}", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]

# Lines after preprocessing, at most.
BUDGET = {
    "counter.h": 800,
    "gauge.h": 700,
    "label.h": 450,
    "labeled.h": 600,
    "info.h": 350,
    "histogram.h": 1000,
    "registry.h": 550,
}
# What instrumented code includes everywhere must not reach these.
RECORDING = ["counter.h", "gauge.h", "label.h", "labeled.h", "info.h", "histogram.h"]
HEAVY = ["atomic", "string", "vector", "functional", "memory", "mutex", "thread", "chrono"]


# The architecture-specific headers of other machines than this one.
FOREIGN = {f"detail/rseq_{machine}.h" for machine in ("x86_64", "aarch64") if machine != platform.machine()}


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def source(folder, *headers):
    """A file that includes these headers and nothing else."""
    file = pathlib.Path(folder) / (headers[0].replace("/", "_") + ".cc")
    file.write_text("".join(f"#include <fast_telemetry/{header}>\n" for header in headers))
    return file


def compiles_alone(folder, compiler, header):
    is_told = "FAST_TELEMETRY_RSEQ" in (INCLUDE / "fast_telemetry" / header).read_text()
    for rseq in (0, 1) if is_told else (1,):
        result = run(compiler, *FLAGS, f"-DFAST_TELEMETRY_RSEQ={rseq}", "-fsyntax-only", source(folder, header))
        if result.returncode:
            return f"{header}: does not compile alone with {compiler}, FAST_TELEMETRY_RSEQ={rseq}\n{result.stderr}"
    return None


def links_twice(folder, compiler, headers):
    """The one-definition rule: two translation units that include everything make one program."""
    objects = []
    for unit in ("one", "two"):
        objects.append(pathlib.Path(folder) / f"{unit}.o")
        result = run(compiler, *FLAGS, "-DFAST_TELEMETRY_RSEQ=0", "-O0", "-fPIC", "-c", source(folder, *headers), "-o", objects[-1])
        if result.returncode:
            return f"all headers together do not compile with {compiler}\n{result.stderr}"
    result = run(compiler, "-shared", *objects, "-o", pathlib.Path(folder) / "both.so")
    return f"two units with all headers do not link with {compiler}\n{result.stderr}" if result.returncode else None


def weight(folder, compiler, header):
    text = run(compiler, *FLAGS, "-E", "-P", source(folder, header))
    return text.stdout.count("\n") if text.returncode == 0 else None


def heavy(folder, compiler, header):
    """The heavy standard headers that this one reaches."""
    files = map(pathlib.Path, run(compiler, *FLAGS, "-M", source(folder, header)).stdout.split())
    reached = {file.name for file in files if file.parent.parent.name == "c++"}  # …/c++/12/atomic
    return sorted(reached.intersection(HEAVY))


def milliseconds(folder, compiler, header):
    """CPU time to compile the header at -O2: the median of nine."""
    times = []
    for _ in range(9):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(compiler, *FLAGS, "-O2", "-c", source(folder, header), "-o", os.devnull)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return sorted(times)[4] * 1000


def check_weight(folder, compiler, header):
    problems = []
    lines = weight(folder, compiler, header)
    if lines is None or lines > BUDGET[header]:
        problems.append(f"{header}: {lines} lines after preprocessing, {BUDGET[header]} allowed")
    if header in RECORDING and (reached := heavy(folder, compiler, header)):
        problems.append(f"{header}: reaches <{'>, <'.join(reached)}>")
    print(f"{header:16} {lines or 0:6} lines of {BUDGET[header]:6}")
    return "\n".join(problems) or None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", action="append", help="may be given several times; default: g++")
    parser.add_argument("--together", action="store_true", help="not each alone, which another compiler shows")
    parser.add_argument("--time", action="store_true", help="print the CPU time each weighed header costs")
    arguments = parser.parse_args()
    headers = {str(path.relative_to(INCLUDE / "fast_telemetry")) for path in INCLUDE.rglob("*.h")}
    headers = sorted(headers - FOREIGN)

    with tempfile.TemporaryDirectory() as folder:
        if arguments.time:
            for header in BUDGET:
                print(f"{header:16} {milliseconds(folder, 'g++', header):6.0f} ms CPU")
            return 0

        checks = []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for number, compiler in enumerate(arguments.compiler or ["g++"]):
                for header in [] if arguments.together else headers:
                    own = pathlib.Path(folder) / f"{number}_{header.replace('/', '_')}"
                    own.mkdir()
                    checks.append(pool.submit(compiles_alone, own, compiler, header))
                own = pathlib.Path(folder) / f"{number}_all"
                own.mkdir()
                checks.append(pool.submit(links_twice, own, compiler, headers))
                if run(compiler, "--version").stdout.startswith("g++"):
                    checks += [pool.submit(check_weight, own, compiler, header) for header in BUDGET]
        problems = [problem for check in checks if (problem := check.result())]
    how = "together" if arguments.together else "alone"
    print("\n".join(problems) or f"headers: {len(headers)} compile {how}, link twice, and are as light as they must be")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
