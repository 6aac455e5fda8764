"""Every tutorial top to bottom, each in a folder that holds nothing but the notebook, with an installed package.

`python .ci/tutorials.py PYTHON [FOLDER...]`: PYTHON is the interpreter of an environment with the wheel and nothing
else; folders are below nbs/, by default tutorials. Cells are run as plain Python, so nothing but the package's own
requirements is needed there.
"""
import json, os, re, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = """
import builtins, json, sys
builtins.get_ipython = lambda: None
import cosmoreg
assert not cosmoreg.__file__.startswith(sys.argv[2]), f"the package comes from the checkout: {cosmoreg.__file__}"
names = {"__name__": "__main__"}
for i, source in enumerate(json.load(open(sys.argv[1]))): exec(compile(source, f"cell {i}", "exec"), names)
"""


def cells(path):
    "Sources of the code cells that run without a GPU."
    found = ["".join(c["source"]) for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    return [s for s in found if not re.search(r"^#\|\s*(cuda|eval:\s*false)", s, re.M)]


def run(python, path):
    "One notebook alone in a folder. Returns seconds and, if it failed, the end of what it said."
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        (Path(home) / "cells.json").write_text(json.dumps(cells(path)), encoding="utf-8")
        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")} | {"MPLBACKEND": "agg", "MPLCONFIGDIR": home, "OMP_NUM_THREADS": "1"}
        done = subprocess.run([python, "-c", RUN, f"{home}/cells.json", f"{ROOT}/"], cwd=folder, env=env, capture_output=True, text=True)
    return time.perf_counter() - start, "" if done.returncode == 0 else done.stdout[-1000:] + done.stderr[-4000:]


if __name__ == "__main__":
    if len(sys.argv) < 2: sys.exit(__doc__)
    python = shutil.which(sys.argv[1])
    if python is None: sys.exit(f"{sys.argv[1]} is no Python here: name the interpreter of the environment with the package.")
    python = os.path.abspath(python)
    paths = sorted(p for f in sys.argv[2:] or ["tutorials"] for p in (ROOT / "nbs" / f).glob("*.ipynb"))
    if not paths: sys.exit("no notebooks found: name folders below nbs/")
    with ThreadPoolExecutor(2) as pool: results = list(pool.map(lambda p: run(python, p), paths))
    for path, (seconds, error) in zip(paths, results): print(f"{path.relative_to(ROOT)}: {'FAILED' if error else 'ok'} in {seconds:.0f} s\n{error}".rstrip())
    sys.exit(any(error for _, error in results))
