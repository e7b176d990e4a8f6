# SPDX-License-Identifier: Apache-2.0
"""The programs that measure, in the build on this machine and in the one in a root of a newer Debian."""
import json
import subprocess
import sys

from bench.host import ROOT

FOLDERS = {"contention_bench": "contention", "span_contention_bench": "contention", "curves_bench": "curves"}
PEER_PROGRAMS = ["contention_bench", "span_contention_bench"]
NEWER_ROOT = ROOT / "tools/newer_root.sh"


class Failed(Exception):
    """A row that did not run, or computed something wrong: nothing of the measurement is worth reporting."""


def progress(what=""):
    """The one line of a terminal that says how far it is; not for files."""
    if sys.stderr.isatty():
        print(f"\r{what and '  '}{what}\033[K", end="", file=sys.stderr, flush=True)


def printed(command, what, timeout=900):
    """What a program printed. One that fails has said why on stderr."""
    try:
        done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True,
                              timeout=timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{what}: {error}") from error
    if done.returncode != 0:
        raise Failed(f"{what}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def objects(text, what):
    try:
        return [json.loads(line) for line in text.splitlines()]
    except json.JSONDecodeError as error:
        raise Failed(f"{what}: not JSON: {error}\n{text}") from error


class Build:
    def __init__(self, name, programs, command):
        self.name = name
        self.programs = programs
        self.command = command  # of a program's name

    def printed(self, program, arguments, what=""):
        return printed([*self.command(program), *arguments], what or f"{self.name}: {program} {' '.join(arguments)}")

    def lines(self, program, arguments, what=""):
        return objects(self.printed(program, arguments, what), what or program)


def host_build(folder):
    def command(program):
        return [folder / "bench" / FOLDERS[program] / program]

    return Build("host", [program for program in FOLDERS if command(program)[0].exists()], command)


def newer_build():
    """The same sources beside opentelemetry-cpp, by the compiler of a newer Debian, or why there is no such build."""
    print(f"== {NEWER_ROOT.relative_to(ROOT)} build", file=sys.stderr, flush=True)
    try:
        with subprocess.Popen([NEWER_ROOT, "build"], cwd=ROOT, stdout=sys.stderr, stderr=subprocess.PIPE,
                              text=True) as made:
            said = ""
            for said in made.stderr:
                print(said, end="", file=sys.stderr, flush=True)
    except OSError as error:
        return None, f"{NEWER_ROOT.relative_to(ROOT)}: {error.strerror}"
    if made.returncode != 0:
        return None, said.strip() or f"exit {made.returncode}"
    return Build("newer", PEER_PROGRAMS, lambda program: [NEWER_ROOT, "run", program]), ""
