# SPDX-License-Identifier: Apache-2.0
"""The matrix of benchmarks beside peers: preflight, plan, runs, figures, verdicts, gate, report. tools/bench.py calls it."""
