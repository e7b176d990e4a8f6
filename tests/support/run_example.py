#!/usr/bin/env python3
"""Runs an example and looks at what it shows; fails if it fails.

usage: run_example.py PROGRAM LINE…            every LINE, a regular expression, is a line of the output
       run_example.py --scrape PROGRAM LINE…   … of the exposition at port 9464 after three lines of input
"""
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

URL = "http://127.0.0.1:9464/metrics"
DEADLINE_S = 30  # only to turn a hang into a failure


def missing(expected, text):
    lines = text.splitlines()
    return [wanted for wanted in expected if not any(re.fullmatch(wanted, line) for line in lines)]


def fetch():
    with urllib.request.urlopen(URL, timeout=10) as response:
        return response.read().decode()


def port_is_held():
    try:
        fetch()
    except urllib.error.URLError as error:
        return not isinstance(error.reason, ConnectionRefusedError)
    except OSError:
        pass
    return True


def run(program, expected):
    done = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    return missing(expected, done.stdout) or done.returncode


def scrape(program, expected):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        problem = "nothing was seen"
        with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                process.stdin.write("line\n" * 3)
                process.stdin.flush()
                while problem and process.poll() is None and time.monotonic() < end:
                    try:
                        problem = missing(expected, fetch())
                    except OSError as error:
                        problem = error
            except BrokenPipeError:
                pass  # it has ended, and says why
            output, _ = process.communicate()
        if process.returncode == 0:
            return problem
        if output != "Address already in use\n":
            return f"exit {process.returncode}: {output}"
        # The port is the example's own and fixed. Somebody else's program on it is no mistake of ours.
        if port_is_held():
            print(f"another program answers at {URL}, and the example says so")
            return None
    return "the port is held, and is not"


if sys.argv[1] == "--scrape":
    problem = scrape(sys.argv[2], sys.argv[3:])
else:
    problem = run(sys.argv[1], sys.argv[2:])
if problem:
    sys.exit(f"FAILED: {problem}")
