"""What can be known of the workflows without running them: `python .ci/workflows.py`.
Syntax, pinned actions, pins of packages, paths, commands, extras, versions of Python."""
import re, shutil, sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
INI = dict(re.findall(r"^(\w+) *= *(.*)$", (ROOT / "settings.ini").read_text(encoding="utf-8"), re.M))
PINS = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / ".ci/constraints.txt").read_text(encoding="utf-8"), re.M))
LOWEST = dict(re.findall(r"([\w-]+)>=([\d.]+)", " ".join(v for k, v in INI.items() if k.endswith("requirements"))))
PYTHONS = {f"3.{m}" for m in range(int(INI["min_python"].split(".")[1]), 14)}
THERE = {"quarto", "gh", "npm"}  # of the runner, or of an action: not looked for here
MADE = ("_docs", "_proc", "build", "dist")  # what a workflow makes before it names it


def fill(text, row):
    "`${{ matrix.key }}` filled in from one row of the matrix."
    return re.sub(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}", lambda m: str(row.get(m[1], f"<no matrix.{m[1]}>")), text)


def rows(job):
    "Rows of a job's matrix; one empty row where there is none."
    matrix = job.get("strategy", {}).get("matrix", {})
    lists = {k: v for k, v in matrix.items() if k not in ("include", "exclude")}
    found = [{}]
    for key, values in lists.items(): found = [{**row, key: v} for row in found for v in values]
    return (found if lists else []) + matrix.get("include", []) or [{}]


def check_path(path):
    "Whether a path that a workflow names is in the repository or made by it."
    return None if path.split("/")[0] in MADE or any(ROOT.glob(path)) else f"{path} is not in the repository"


def check_command(line):
    "Errors of one command."
    for name, version in re.findall(r"([\w-]+)==([\w.]+)", line):
        if name in PINS and version != PINS[name] and not f"{version}.".startswith(f"{LOWEST.get(name, PINS[name])}."):
            yield f"{name}=={version} is neither the version in .ci/constraints.txt, {PINS[name]}, nor the oldest that settings.ini allows, {LOWEST.get(name)}"
    for extras in re.findall(r"\.\[([\w,]+)\]", line):
        for extra in extras.split(","):
            if f"{extra}_requirements" not in INI: yield f"the extra {extra} is not in settings.ini"
    words = line.split()
    while words and re.match(r"\w+=", words[0]): words.pop(0)
    if not words: return
    known = words[0] in THERE or shutil.which(words[0]) or Path(sys.executable).with_name(words[0]).exists()
    if not known: yield f"the command {words[0]} is neither here nor one of the runner's"
    for word in words[1:]:
        if re.match(r"(\.ci|\.github|nbs|cosmoreg)/|.*\.(py|txt|ini|ya?ml)$", word) and (problem := check_path(word)): yield problem


def check_step(step, row):
    "Errors of one step in one row of the matrix."
    if ("uses" in step) == ("run" in step): yield "a step has either uses or run"
    if "uses" in step and not re.fullmatch(r"[\w.-]+/[\w./-]+@(v\d+(\.\d+)*|release/v\d+|[0-9a-f]{40})", step["uses"]): yield f"{step['uses']} is not pinned to a tag or a commit"
    given = step.get("with", {})
    if "setup-python" in step.get("uses", "") and fill(str(given.get("python-version", "")), row) not in PYTHONS: yield f"python-version {given.get('python-version')} is not one of {', '.join(sorted(PYTHONS))}, in quotes"
    for key in ("path", "packages-dir", "cache-dependency-path"):
        if key in given and (problem := check_path(str(given[key]).rstrip("/"))): yield problem
    for line in re.split(r"\n|&&|;", fill(step.get("run", ""), row)):
        if "<no matrix." in line: yield f"{line.strip()}: that key is not in the matrix"
        else: yield from check_command(line.strip())


def check_workflow(path):
    "Errors of one workflow."
    try: flow = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as e: return [f"no YAML: {e}"]
    errors = [f"{key} is missing" for key in ("name", "jobs") if key not in flow] + ["on is missing"] * (True not in flow and "on" not in flow)
    for name, job in flow.get("jobs", {}).items():
        where, steps = f"job {name}: ", job.get("steps", [])
        if "runs-on" not in job: errors.append(f"{where}runs-on is missing")
        errors += [f"{where}needs {n}, which is no job" for n in ([job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])) if n not in flow["jobs"]]
        ids = {s["id"] for s in steps if "id" in s}
        errors += [f"{where}steps.{i} is no step's id" for i in set(re.findall(r"steps\.([\w-]+)\.", str(job))) - ids]
        errors += [where + e for row in rows(job) for s in steps for e in check_step(s, row)]
    return sorted(set(errors))


def main():
    paths = sorted((ROOT / ".github/workflows").glob("*.yml"))
    errors = [f"{p.name}: {e}" for p in paths for e in check_workflow(p)]
    tested = {fill(str(s["with"]["python-version"]), r) for p in paths for j in yaml.safe_load(p.read_text(encoding="utf-8"))["jobs"].values() if p.stem.startswith("test") for r in rows(j) for s in j.get("steps", []) if "setup-python" in s.get("uses", "")}
    errors += [f"tests: Python {v} is in the stated range but in no workflow" for v in sorted(PYTHONS - tested)]
    print("\n".join(errors + [f"{len(paths)} workflows; {len(errors)} errors"]))
    return not errors


if __name__ == "__main__": sys.exit(not main())
