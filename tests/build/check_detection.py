"""abi.h finds the write path where no build system names it: check_detection.py COMPILER"""
import pathlib
import platform
import subprocess
import sys

compiler = sys.argv[1]
include = pathlib.Path(__file__).resolve().parents[2] / "include"
libc, version = platform.libc_ver()
sequences = (platform.system() == "Linux" and platform.machine() in ("x86_64", "aarch64") and libc == "glibc"
             and tuple(map(int, version.split("."))) >= (2, 35))

bad = []
for flags, expected in ([], int(sequences)), (["-fsanitize=address"], 0), (["-fsanitize=thread"], 0):
    command = [compiler, "-std=c++20", f"-I{include}", *flags, "-E", "-dM", "-xc++", "-include",
               "fast_telemetry/detail/abi.h", "/dev/null"]
    macros = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    if f"#define FAST_TELEMETRY_RSEQ {expected}" not in macros:
        bad.append(f"{compiler} {' '.join(flags)}: FAST_TELEMETRY_RSEQ is not {expected}")
print("\n".join(bad) or "ok")
sys.exit(bool(bad))
