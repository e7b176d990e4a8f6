# SPDX-License-Identifier: Apache-2.0
"""What the programs of bench/contention and bench/curves print, without measuring."""

NS = {"fast": 0.5, "atomic": 20.0, "sharded": 5.0, "prometheus-cpp": 33.0, "otel-cpp": 160.0}
METRICS = [("counter", "handle"), ("labeled_counter", "handle"), ("labeled_counter", "labels"),
           ("dynamic_counter", "handle"), ("dynamic_counter", "labels"), ("histogram", "handle")]
SCENARIOS = {"root": 1, "lifecycle": 2, "pipeline": 4}


def options(arguments):
    return {name[2:]: value for name, value in zip(arguments[::2], arguments[1::2])}


def subjects(build):
    return ("fast", "atomic", "sharded", "prometheus-cpp", *(["otel-cpp"] if build == "newer" else []))


def listed(build, program):
    for subject in subjects(build):
        if program == "span_contention_bench":
            if subject in ("fast", "otel-cpp"):
                yield from ({"subject": subject, "scenario": scenario, "mode": mode} for scenario in SCENARIOS
                            for mode in ("burst", "sustained"))
        else:
            for entity, access in METRICS:
                if subject not in ("atomic", "sharded") or entity == "counter":
                    if not (subject == "fast" and (entity, access) == ("labeled_counter", "labels")):
                        yield {"subject": subject, "entity": entity, "access": access}


def line(program, given):
    ns = NS[given["subject"]] * (10 if given.get("access") == "labels" and given["subject"] == "fast" else 1)
    ns *= 40 * SCENARIOS[given["scenario"]] if "scenario" in given else 1
    operations = int(given["threads"]) * 1000
    found = {
        "program": program.removesuffix("_bench"), **given, "threads": int(given["threads"]), "iters": 1000,
        "affinity": "off", "export_interval_ms": 10, "operations": operations, "record_s": 0.25, "total_s": 0.251,
        "ops_per_s": 2e9 / ns,
        "writer_ns_per_op": ns, "wall_ns_per_op": ns * 1.01, "cpu_user_s": 0.5, "cpu_system_s": 0.01,
        "cpu_ns_per_op": ns * 1.1,
        "average_cores": 2.0, "ops_per_cpu_s": 1e9 / ns, "exports": 25, "export_ms": 0.03, "export_bytes": 1234,
        "round_trip_before_ns": 80.0, "round_trip_after_ns": 81.0, "work_before_ns": 1.6, "work_after_ns": 1.61,
        "expected": operations, "found": operations, "verified": True, "subject_version": "1.0 <of a test>",
        "compiler": "GCC 12.2.0", "settings": "as a test & nobody else uses it"}
    del found["seconds"]
    if "scenario" in given:
        found |= {"spans_per_op": SCENARIOS[given["scenario"]], "recorded": operations, "sampled_out": 0, "dropped": 0,
                  "delivered": operations}
        if given["mode"] == "sustained":
            found["sustained_spans_per_s"] = 1e9 / ns
    return found


def main(build, program, *arguments):
    if "--list" in arguments:
        return ["threads"] if program == "curves_bench" else list(listed(build, program))
    if program == "curves_bench":
        return [{"curve": "threads", "x": x, "series": series, "value": 0.5 * x, "unit": "ns per record"}
                for series in ("counter", "histogram") for x in (1, 2, 4)]
    return [line(program, options(arguments))]
