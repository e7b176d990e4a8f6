# SPDX-License-Identifier: Apache-2.0
"""What tools/bench.py calls: micro-benchmarks, and a matrix of benchmarks beside peers with its gate and its report."""
