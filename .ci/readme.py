"""README.md from nbs/index.ipynb: its prose, the code and outputs of its cells, its figures as files.

`python .ci/readme.py` writes; `python .ci/readme.py --check` only says whether README.md is up to date.
"""
import base64, json, re, sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMAGES = "nbs/images"


def from_root(text):
    "Links of a page in nbs/ as links of the README."
    return re.sub(r"\]\((?!https?:|#)(\w[\w/.-]*\.(?:png|svg|ipynb))", r"](nbs/\1", text)


def output_text(output, figures):
    "One output as markdown; a figure goes to `figures` under its path."
    data = output.get("data", {})
    if "image/png" in data:
        path = f"{IMAGES}/readme-{len(figures) + 1}.png"
        figures[path] = base64.b64decode("".join(data["image/png"]))
        return path
    if "text/markdown" in data: return from_root("".join(data["text/markdown"]))
    text = "".join(output.get("text", data.get("text/plain", "")))
    return "\n".join("    " + line for line in text.rstrip().splitlines())


def cell_text(cell, figures):
    "One cell as markdown; hidden cells give nothing."
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown": return from_root(source)
    if cell["cell_type"] != "code" or re.search(r"^#\|\s*(hide|default_exp)\b", source, re.M): return ""
    option = lambda name: (re.search(rf'^#\|\s*{name}:\s*"?(.*?)"?$', source, re.M) or [None, ""])[1]
    code = "\n".join(line for line in source.splitlines() if not line.startswith("#|"))
    parts = [] if option("echo") == "false" else [f"```python\n{code.strip()}\n```"]
    for output in cell.get("outputs", []):
        text = output_text(output, figures)
        parts.append(f"![{option('fig-alt')}]({text})\n\n*{option('fig-cap')}*" if text in figures else text)
    return "\n\n".join(parts)


def render():
    "README's text and its figures, path -> bytes."
    notebook, figures = json.loads((ROOT / "nbs/index.ipynb").read_text(encoding="utf-8")), {}
    parts = [cell_text(c, figures) for c in notebook["cells"]]
    return "\n\n".join(p.strip("\n") for p in parts if p.strip()) + "\n", figures


if __name__ == "__main__":
    text, figures = render()
    wanted = {"README.md": text.encode(), **figures}
    if "--check" in sys.argv:
        stale = [p for p, data in wanted.items() if not (ROOT / p).exists() or (ROOT / p).read_bytes() != data]
        sys.exit(f"{', '.join(stale)} differ from nbs/index.ipynb: run python .ci/readme.py" if stale else 0)
    for path, data in wanted.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_bytes(data)
