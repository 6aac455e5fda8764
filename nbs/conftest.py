"Every notebook is a test case: its cells run from top to bottom in a process of their own."
import os, subprocess, sys
from pathlib import Path

import pytest

RUN = """
import sys
from pathlib import Path
from nbdev.test import test_nb
ok, seconds = test_nb(Path(sys.argv[1]), skip_flags=["slow", "cuda"], force_flags=sys.argv[2].split())
sys.exit(not ok)
"""


def pytest_addoption(parser):
    parser.addoption("--flags", default="", help="cells to run as well: 'slow', 'cuda' or 'slow cuda'")


def pytest_collect_file(parent, file_path):
    hidden = any(p.startswith((".", "_")) for p in file_path.relative_to(Path(__file__).parent).parts)
    if file_path.suffix == ".ipynb" and not hidden: return Notebook.from_parent(parent, path=file_path)


class Notebook(pytest.File):
    def collect(self): yield Case.from_parent(self, name=self.path.stem)


class Case(pytest.Item):
    def runtest(self):
        env = {**os.environ, "OMP_NUM_THREADS": "1", "IN_TEST": "1", "MPLBACKEND": "agg"}
        args = [sys.executable, "-c", RUN, str(self.path), self.config.getoption("--flags")]
        run = subprocess.run(args, env=env, capture_output=True, text=True)
        if run.returncode: raise Failed(run.stdout[-4000:] + run.stderr[-12000:])

    def repr_failure(self, excinfo):
        return str(excinfo.value) if isinstance(excinfo.value, Failed) else super().repr_failure(excinfo)

    def reportinfo(self): return self.path, 0, str(self.path.relative_to(Path(__file__).parent))


class Failed(Exception): pass
