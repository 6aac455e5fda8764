"Print one of the README's two set-up commands: `python .ci/readme_command.py run|tests`."
import re, sys
from pathlib import Path

readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
found = re.search(rf"<!-- {sys.argv[1]} -->\s*```[a-z]*\n(.*?)```", readme, re.S)
if not found: sys.exit(f"README.md marks no command with <!-- {sys.argv[1]} -->")
print(found[1].strip())
