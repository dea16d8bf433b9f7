"""gemm.py THREADS: NumPy's OpenBLAS. Answers every line {"form": "abt" | "ab" | "atb", "m", "n", "k"} with the GFLOP/s of one turn in float32."""
import json
import os
import sys
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # they would hold OpenBLAS to another machine's kernels
    os.environ.pop(name, None)
os.environ["OPENBLAS_NUM_THREADS"] = sys.argv[1]
import numpy as np  # noqa: E402  (reads the environment)

operands = {}
for line in sys.stdin:
    case = json.loads(line)
    form, m, n, k = case["form"], case["m"], case["n"], case["k"]
    if line not in operands:
        random = np.random.default_rng(3)
        matrix = lambda rows, columns: random.random((rows, columns), dtype=np.float32) - 0.5  # noqa: E731
        a = matrix(k, m).T if form == "atb" else matrix(m, k)
        b = matrix(n, k).T if form == "abt" else matrix(k, n)
        operands = {line: (a, b, np.empty((m, n), np.float32))}
    a, b, out = operands[line]
    np.dot(a, b, out=out)  # finds the other's data in the caches, and sleeping threads
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < 0.1:
        np.dot(a, b, out=out)
        calls += 1
    seconds = time.perf_counter() - start
    time.sleep(0.1)  # OpenBLAS's threads spin for a while after a call, on the processor of whoever comes next
    print(json.dumps({"gflops": 2e-9 * m * n * k * calls / seconds}), flush=True)
