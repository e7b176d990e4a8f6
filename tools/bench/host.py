# SPDX-License-Identifier: Apache-2.0
"""On which machine, in what state, and whether it is quiet enough to measure."""
import concurrent.futures
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUSY_PERCENT = 5.0
SPIN_SPREAD = 0.10
STEAL = 0.01


def first_line(path, default=""):
    try:
        return pathlib.Path(path).read_text().strip().splitlines()[0]
    except (OSError, IndexError):
        return default


def output_of(*command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine(build_facts):
    """`build_facts`: the build.json that the build left beside its micro-benchmarks."""
    cpuinfo = {key.strip(): value.strip() for key, _, value in
               (line.partition(":") for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines())}
    return {
        "cpu": cpuinfo.get("model name", platform.machine()),
        "cpu_family_and_model": " ".join(cpuinfo.get(key, "?") for key in ("cpu family", "model")),
        "cpus": os.cpu_count(),
        "governor": first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "not shown to this machine"),
        "hypervisor": "hypervisor" in cpuinfo.get("flags", "").split(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        **json.loads(build_facts.read_text()),
        "commit": output_of("git", "rev-parse", "HEAD"),
        "uncommitted_changes": output_of("git", "status", "--porcelain") != "",
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def described(m):
    """The machine in one line, and what was built in another."""
    memory = f", {m['memory_bytes'] / 2**30:.0f} GiB" if "memory_bytes" in m else ""
    return [f"{m['cpu']} (family and model {m['cpu_family_and_model']}), {m['cpus']} CPUs{memory}"
            f"{', virtual' if m['hypervisor'] else ''}, Linux {m['kernel']}, {m['libc']}, governor: {m['governor']}",
            f"{m['compiler']}, flags{m['flags']}, rseq {m['rseq']}, commit {m['commit'][:12]}"
            f"{' and uncommitted changes' if m['uncommitted_changes'] else ''}, {m['date']}"]


def cpu_seconds():
    """By process: its name and the CPU time it has had."""
    tick = os.sysconf("SC_CLK_TCK")
    result = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # gone meanwhile
        name, fields = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
        result[int(path.parent.name)] = (name, (int(fields[11]) + int(fields[12])) / tick)
    return result


def busy_processes(seconds=1.0):
    """Other processes that take at least 5 % of a CPU, the busiest first."""
    before, start = cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    after, took = cpu_seconds(), time.monotonic() - start
    shares = [(100 * (used - before[pid][1]) / took, name) for pid, (name, used) in after.items()
              if pid in before and pid != os.getpid()]
    return [{"name": name, "percent": round(share, 1)} for share, name in sorted(shares, reverse=True)
            if share >= BUSY_PERCENT]


def stolen_and_all():
    """Ticks that the hypervisor gave to others, and all ticks, since the start of the machine."""
    ticks = [int(value) for value in first_line("/proc/stat").split()[1:9]]
    return ticks[7], sum(ticks)


def spin(times=60):
    """The same piece of work over and over: seconds of each."""
    result = []
    for _ in range(times):
        start = time.perf_counter()
        sum(range(200_000))
        result.append(time.perf_counter() - start)
    return result


def spin_on_every_cpu():
    """How unevenly the same work goes when every CPU does it at once, and what a hypervisor took away meanwhile."""
    cpus = os.cpu_count()
    before = stolen_and_all()
    with concurrent.futures.ProcessPoolExecutor(cpus) as pool:
        spins = list(pool.map(spin, [60] * cpus))
    stolen, ticks = (after - earlier for after, earlier in zip(stolen_and_all(), before))
    spread = max(statistics.quantiles(times, n=10)[8] / min(times) - 1 for times in spins)
    return {"spread": round(spread, 4), "steal": round(stolen / ticks, 4) if ticks else 0.0}


def observe():
    """What preflight judges; part of every result."""
    return {"loads": [float(load) for load in first_line("/proc/loadavg", "0 0 0").split()[:3]],
            "load_threshold": os.cpu_count() / 8, "busy_processes": busy_processes(), **spin_on_every_cpu()}


def warnings(state):
    """Why the machine is not quiet, a sentence each."""
    result = []
    if state["loads"][0] > state["load_threshold"]:
        result.append(f"load of the last minute {state['loads'][0]:.2f}, above {state['load_threshold']:g} (CPUs / 8)")
    result += [f"{process['name']} takes {process['percent']:g} % of a CPU" for process in state["busy_processes"]]
    if state["spread"] > SPIN_SPREAD:
        result.append(f"the same work takes up to {100 * state['spread']:.0f} % longer from one time to the next "
                      f"(nine of ten times; above {100 * SPIN_SPREAD:g} %): a noisy neighbour")
    if state["steal"] > STEAL:
        result.append(f"the hypervisor took {100 * state['steal']:.1f} % of the CPUs away (above {100 * STEAL:g} %)")
    return result
