"""Builds the documentation without Quarto: every page from the notebooks, readable from file://, nothing from outside.

`python .ci/build_site.py OUT`        process, resolve references, render, check
`python .ci/build_site.py --process`  only process the notebooks into _proc, from where Quarto renders them
"""
import html, json, os, re, shutil, subprocess, sys, tarfile, tempfile, time
from pathlib import Path

import yaml

import check_site

ROOT = Path(__file__).resolve().parent.parent
KATEX = "0.19.1"  # of npm; the pages load it from site_libs/katex
KINDS = {"eq": "Equation", "fig": "Figure", "tbl": "Table"}
CODE = re.compile(r"(^ {0,3}(?:`{3,}|~{3,}).*?^ {0,3}(?:`{3,}|~{3,})[ \t]*$|`[^`\n]+`)", re.M | re.S)
REFERENCE = re.compile(r"(?<![\w@`/.])@((?:eq|fig|tbl|sec|lst|thm|lem|def)-[\w-]+)")


def process():
    "Notebooks into _proc, as nbdev prepares them for Quarto: definitions shown, hidden cells gone."
    shutil.rmtree(ROOT / "_proc", ignore_errors=True)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    subprocess.run([sys.executable, "-c", "from nbdev.serve import proc_nbs; proc_nbs(n_workers=2)"], cwd=ROOT, env=env, check=True)
    wanted = {p.relative_to(ROOT / "nbs") for p in (ROOT / "nbs").rglob("*.ipynb") if not any(s.startswith((".", "_")) for s in p.relative_to(ROOT / "nbs").parts)}
    missing = sorted(str(p) for p in wanted if not (ROOT / "_proc" / p).exists())
    if missing: sys.exit(f"nbdev did not process {', '.join(missing)}: it skips every folder whose path holds a part that starts with a dot.")


def bare(path):
    "A page's address: number prefixes drop out of it, as nbdev does for Quarto."
    return re.sub(r"(^|/)\d+[a-zA-Z0-9]*_(?=[^/]*$)", r"\1", path)


def outside_code(text, change):
    "Changes markdown, but not its code."
    return "".join(part if i % 2 else change(part) for i, part in enumerate(CODE.split(text)))


class References:
    "Numbers the equations, figures and tables of one page and resolves what refers to them."
    def __init__(self, page): self.page, self.numbers, self.counts, self.errors, self.resolved = page, {}, dict.fromkeys(KINDS, 0), [], 0

    def new(self, label):
        kind = label.split("-")[0]
        if label in self.numbers: self.errors.append(f"{self.page}: {label} is defined twice")
        self.counts[kind] += 1
        self.numbers[label] = self.counts[kind]
        return self.counts[kind]

    def define(self, text):
        def equation(m): return f"\n\n::: {{#{m[2]} .equation}}\n\n$$\n{m[1].strip()} \\tag{{{self.new(m[2])}}}\n$$\n\n:::\n\n"
        def figure(m): return f"![Figure {self.new(m[3])}: {m[1]}]({m[2]}){{#{m[3]}"
        def table(m): return f"{m[1]}Table {self.new(m[3])}: {m[2]}{{#{m[3]}"
        text = re.sub(r"\$\$((?:(?!\$\$).)+)\$\$\s*\{#(eq-[\w-]+)\}", equation, text, flags=re.S)
        text = re.sub(r"!\[((?:[^\]\\]|\\.)*)\]\(([^)]*)\)\{#(fig-[\w-]+)", figure, text)
        return re.sub(r"^(: +)(.*?)\{#(tbl-[\w-]+)", table, text, flags=re.M)

    def define_cell(self, source):
        "A code cell whose output is a figure or table with a label."
        label = re.search(r"^#\| *label: *[\"']?((?:fig|tbl)-[\w-]+)", source, re.M)
        if not label: return source
        kind = label[1].split("-")[0]
        return re.sub(rf"^(#\| *{kind}-cap: *[\"']?)", rf"\g<1>{KINDS[kind]} {self.new(label[1])}: ", source, count=1, flags=re.M)

    def link(self, m):
        label = m[1]
        if label not in self.numbers:
            remedy = "sections have no numbers: write a link to the heading" if label.startswith("sec-") else f"define {{#{label}}} here, or write a link to the page that does"
            self.errors.append(f"{self.page}: @{label} refers to nothing on this page; {remedy}")
            return m[0]
        self.resolved += 1
        return f"[{KINDS[label.split('-')[0]]} {self.numbers[label]}](#{label})"

    def refer(self, text):
        grouped = re.sub(r"\[-?(@[\w-]+(?:; *@[\w-]+)*)\]", lambda m: re.sub(";", ",", m[1]) if REFERENCE.search(m[1]) else m[0], text)
        return REFERENCE.sub(self.link, grouped)


def open_fence(text):
    "Whether a code fence is opened and not closed."
    fence = None
    for line in text.splitlines():
        m = re.match(r" {0,3}(`{3,}|~{3,})(.*)$", line)
        if m and fence is None: fence = m[1]
        elif m and m[1][0] == fence[0] and len(m[1]) >= len(fence) and not m[2].strip(): fence = None
    return fence is not None


def prose(text):
    "Markdown for smalldocs: links without number prefixes."
    return outside_code(text, lambda s: re.sub(r"(\]\()([^)\s#]+\.(?:ipynb|qmd|html))", lambda m: m[1] + (m[2] if "://" in m[2] else bare(m[2])), s))


def resolve_notebook(nb, page):
    "References of one notebook, in place."
    refs = References(page)
    text = {"markdown": refs.define, "code": refs.define_cell}
    for cell in nb["cells"]:
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and open_fence(cell["source"]): refs.errors.append(f"{page}: a code fence is not closed in the cell that begins “{cell['source'][:40]!r}”")
        change = text.get(cell["cell_type"], str)
        cell["source"] = outside_code(cell["source"], change) if cell["cell_type"] == "markdown" else change(cell["source"])
    for cell in nb["cells"]:
        if cell["cell_type"] == "markdown": cell["source"] = prose(outside_code(cell["source"], refs.refer))
        else: cell["source"] = re.sub(r"^#\| *(?:fig|tbl)-cap:.*$", lambda m: outside_code(m[0], refs.refer), cell["source"], flags=re.M)
        if "Traceback (" in json.dumps(cell.get("outputs", [])): refs.errors.append(f"{page}: the cell “{cell['source'].splitlines()[-1][:60]}” ends in an error")
        for data in (o.get("data", {}) for o in cell.get("outputs", [])):
            if "text/markdown" in data: data["text/markdown"] = prose(outside_code("".join(data["text/markdown"]), refs.refer))
    front = nb["cells"][0]
    if front["cell_type"] == "raw": front["source"] = re.sub(r"^output-file:.*\n", "", front["source"], flags=re.M)
    return refs


def resolve_text(text, page):
    "References of a page of markdown: the new text and what was found."
    refs = References(page)
    if open_fence(text): refs.errors.append(f"{page}: a code fence is not closed")
    return prose(outside_code(outside_code(text, refs.define), refs.refer)), refs


def stage(folder):
    "A copy of _proc that smalldocs can render: addresses without numbers, references resolved. Returns (errors, references)."
    found = []
    for path in sorted(p for p in (ROOT / "_proc").rglob("*") if p.is_file()):
        name = path.relative_to(ROOT / "_proc").as_posix()
        if "/results/" in f"/{name}" or name in ("conftest", "_quarto.yml") or name.startswith("_docs/"): continue
        target = folder / bare(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            nb = json.loads(path.read_text(encoding="utf-8"))
            found.append(resolve_notebook(nb, name))
            target.write_text(json.dumps(nb), encoding="utf-8")
        elif path.suffix in (".qmd", ".md"):
            text, refs = resolve_text(path.read_text(encoding="utf-8"), name)
            found.append(refs)
            target.write_text(text, encoding="utf-8")
        else: shutil.copyfile(path, target)
    for name in ("CHANGELOG.md", ".github/CONTRIBUTING.md", "CONTRIBUTING.md"):
        if (ROOT / name).exists(): (folder.parent / name).parent.mkdir(exist_ok=True); shutil.copyfile(ROOT / name, folder.parent / name)
    quarto = (ROOT / "_quarto.yml").read_text(encoding="utf-8")
    (folder / "_quarto.yml").write_text(re.sub(r"[\w/.-]+\.ipynb", lambda m: bare(m[0]), quarto), encoding="utf-8")
    return [e for r in found for e in r.errors], sum(r.resolved for r in found)


def render(folder, out):
    "Pages by smalldocs. Returns its warnings, each of which is an error here: it has KaTeX in any case, and links are checked in the pages."
    from smalldocs.config import load
    from smalldocs.site import Site
    site = Site(load(folder), quiet=True)
    site.out = out
    site.build()
    return [w for w in site.warnings if "broken link" not in w and not w.startswith("format.html.html-math-method")]


def katex(target):
    "KaTeX from the npm package, kept in the user's cache."
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cosmoreg" / f"katex-{KATEX}.tgz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        try: subprocess.run(["npm", "pack", "--silent", f"katex@{KATEX}", "--pack-destination", str(kept.parent)], check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as e: sys.exit(f"KaTeX {KATEX} could not be fetched ({e}): install npm, or put the npm package's file at {kept}.")
    wanted = re.compile(r"package/dist/(katex\.min\.(?:css|js)|contrib/auto-render\.min\.js|fonts/.*\.woff2)$")
    with tarfile.open(kept) as archive:
        for m in archive.getmembers():
            if not (name := wanted.match(m.name)): continue
            (target / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (target / name[1]).write_bytes(archive.extractfile(m).read())


def caption(m):
    "A figure's caption with its markdown, which smalldocs shows as it is."
    from markdown_it import MarkdownIt
    return f"{m[1]}{MarkdownIt().renderInline(html.unescape(m[2]))}{m[3]}"


def once(text):
    "Drops the empty anchors that stand elsewhere on the page."
    seen = set(re.findall(r'<(?!span)\w+[^>]*\bid="([^"]+)"', text))
    def keep(m):
        new = m[1] not in seen
        seen.add(m[1])
        return m[0] if new else ""
    return re.sub(r'<span id="([^"]+)"></span>', keep, text)


def finish(out, url):
    "Pages that need no network and no server: KaTeX and the search index beside them, links to the site's own address made relative."
    from smalldocs.layout import KATEX as CDN
    katex(out / "site_libs" / "katex")
    for path in out.rglob("*.html"):
        up = "../" * (len(path.relative_to(out).parts) - 1)
        text = path.read_text(encoding="utf-8").replace(CDN, f"{up}site_libs/katex")
        text = re.sub(rf'href="{re.escape(url)}/?([^"]*)"', lambda m: f'href="{up}{m[1] or "index.html"}"', text)
        text = re.sub(rf'(content="{re.escape(url)}/)[^"]*(images/card\.png")', r"\1\2", text)  # of subfolders
        path.write_text(re.sub(r"(<figcaption[^>]*>)(.*?)(</figcaption>)", caption, once(text), flags=re.S), encoding="utf-8")
    for path in (out / "site_libs" / "themes").glob("*.css"): path.write_text(re.sub(r"@import url\([^)]*\);", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    script, fetching = out / "site_libs" / "smalldocs.js", re.compile(r'const r = await fetch\(offset \+ "search\.json"\);\s*index = await r\.json\(\);')
    loading = ('await new Promise((done, failed) => { const s = document.createElement("script"); s.src = offset + "search.js"; '
               's.onload = done; s.onerror = failed; document.head.append(s); });\n      index = window.searchIndex;')
    text, n = fetching.subn(loading, script.read_text(encoding="utf-8"))
    if n != 1: sys.exit("smalldocs.js reads its search index in a new way: adapt finish() in .ci/build_site.py, or the search is dead from file://.")
    script.write_text(text, encoding="utf-8")
    (out / "search.js").write_text(f"window.searchIndex = {(out / 'search.json').read_text(encoding='utf-8')};", encoding="utf-8")
    (out / "search.json").unlink()


def build(out):
    "The whole site. Returns whether it is without errors."
    start = time.time()
    process()
    processed = time.time()
    url = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))["website"]["site-url"].rstrip("/")
    if out.exists():
        if any(out.iterdir()) and not (out / "site_libs").is_dir(): sys.exit(f"{out} holds something else than a site: name an empty folder.")
        shutil.rmtree(out)
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp) / "pages"
        folder.mkdir()
        errors, resolved = stage(folder)
        errors += render(folder, out)
    finish(out, url)
    found, counts = check_site.check(out)
    errors += found
    for e in errors: print(e)
    counts["references"] = resolved
    print(f"{', '.join(f'{n} {what}' for what, n in counts.items())}; {len(errors)} errors; {time.time() - start:.0f} s, of which notebooks {processed - start:.0f} s")
    return not errors


if __name__ == "__main__":
    if sys.argv[1:] == ["--process"]: process()
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"): sys.exit(not build(Path(sys.argv[1]).resolve()))
    else: sys.exit(__doc__)
