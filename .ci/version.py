"""One version everywhere: `python .ci/version.py [TAG]`. settings.ini leads; the package, CITATION.cff and, for a tag
such as v0.2.0, the changelog must agree."""
import re, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def find(pattern, file):
    "The first group of a pattern in a file, or a sentence that says what is missing."
    found = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), re.M)
    return found[1] if found else sys.exit(f"{file} names no version: add the line that {pattern} matches.")


version = find(r"^version *= *(\S+)", "settings.ini")
others = {"cosmoreg/__init__.py": r'^__version__ = "(\S+)"', "CITATION.cff": r"^version: (\S+)"}
wrong = [f"{file} says {found}" for file, pattern in others.items() if (found := find(pattern, file)) != version]
if len(sys.argv) > 1:
    if sys.argv[1] != f"v{version}": wrong.append(f"the tag is {sys.argv[1]}")
    if f"\n## [{version}] - " not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"): wrong.append(f"CHANGELOG.md has no section '## [{version}] - DATE'")
if wrong: sys.exit(f"settings.ini says {version}, but {', '.join(wrong)}: make them agree.")
print(version)
