"""The Colab badge and the cell that installs the package on Colab, in every notebook that a reader may want to run.

`python .ci/colab.py` adds or refreshes both in place, changing no other cell; `--check` only says where they are
missing or stale. Notebooks may be named; the default is all tutorials, how-to pages, components and experiments.
"""
import json, re, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INI = dict(re.findall(r"^(\w+) *= *(.*)$", (ROOT / "settings.ini").read_text(encoding="utf-8"), re.M))
TOOLS = [r for r in INI["dev_requirements"].split() if re.match(r"(nbdev|execnb|fastcore|ghapi|hypothesis|mpmath)\b", r)]
BADGE, INSTALL = "[![Open in Colab]", '"google.colab" in str(get_ipython())'


def notebooks():
    "Tutorials, how-to pages, numbered notebooks and experiments; no index pages."
    found = [p for g in ("[0-9][0-9]_*", "tutorials/*", "how-to/*", "experiments/*") for p in (ROOT / "nbs").glob(f"{g}.ipynb")]
    return sorted(p for p in found if p.stem != "index")


def badge(path):
    "The markdown cell under the title."
    name = path.relative_to(ROOT / "nbs")
    link = f"https://colab.research.google.com/github/{INI['git_url'].removeprefix('https://github.com/')}/blob/{INI['branch']}/nbs/{name.as_posix()}"
    return f"{BADGE}({'../' * (len(name.parts) - 1)}images/colab.svg)]({link})"


def install(path):
    "The hidden code cell: a tutorial needs the package; a component its test tools, an experiment its results as well."
    name, shell = path.relative_to(ROOT / "nbs"), "get_ipython()"
    if name.parts[0] in ("tutorials", "how-to"): return f'#| hide\nif {INSTALL}: {shell}.run_line_magic("pip", "install -q git+{INI["git_url"]}")'
    tools = " ".join(f'"{t}"' if "<" in t else t for t in TOOLS)
    return "\n".join(["#| hide", f"if {INSTALL}:", f'    {shell}.system("git clone -q --depth 1 {INI["git_url"]}")',
                      f"    {shell}.run_line_magic(\"pip\", 'install -q ./{INI['repo']} {tools}')",
                      f'    {shell}.run_line_magic("cd", "{INI["repo"]}/nbs{"/" + name.parts[0] if len(name.parts) > 1 else ""}")'])


def with_colab(notebook, path):
    "The notebook with both cells: the badge under the title, the other one as the first code cell."
    text = lambda cell: "".join(cell["source"])
    is_badge = lambda c: c["cell_type"] == "markdown" and text(c).startswith(BADGE)
    is_install = lambda c: c["cell_type"] == "code" and INSTALL in text(c)
    ids = {kind: next((c["id"] for c in notebook["cells"] if test(c)), f"colab-{kind}") for kind, test in (("badge", is_badge), ("install", is_install))}
    cells = [c for c in notebook["cells"] if not is_badge(c) and not is_install(c)]
    make = lambda kind, source, **more: dict(id=ids[kind], metadata={}, source=source.splitlines(keepends=True), **more)
    title = next((i for i, c in enumerate(cells) if c["cell_type"] == "markdown" and text(c).startswith("# ")), None)
    if title is None: sys.exit(f"{path.relative_to(ROOT)} has no title cell that begins with '# ', so the badge has no place: give it one.")
    cells.insert(title + 1, make("badge", badge(path), cell_type="markdown"))
    before = next((i for i, c in enumerate(cells[:title]) if c["cell_type"] == "code"), title + 2)
    cells.insert(before, make("install", install(path), cell_type="code", execution_count=None, outputs=[]))
    return {**notebook, "cells": cells}


if __name__ == "__main__":
    stale = []
    for path in [Path(a).resolve() for a in sys.argv[1:] if a != "--check"] or notebooks():
        old = path.read_text(encoding="utf-8")
        new = json.dumps(with_colab(json.loads(old), path), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        if new == old: continue
        stale.append(path.relative_to(ROOT).as_posix())
        if "--check" not in sys.argv: path.write_text(new, encoding="utf-8")
    if stale and "--check" in sys.argv: sys.exit(f"{', '.join(stale)}: badge or installing cell is missing or stale; run python .ci/colab.py")
    print("\n".join(stale) if stale else "all notebooks have badge and installing cell")
