"""Checks a built site: `python .ci/check_site.py OUT`. Links, anchors, pictures, markup left over, figures that were never saved,
public names without documentation; each error names the page and the place."""
import ast, json, re, sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup, Comment

ROOT = Path(__file__).resolve().parent.parent
LEFTOVER = [(r":::", "a fenced div"), (r"\$\$", "a displayed formula"), (r"@(?:eq|fig|tbl|sec|lst)-\w", "a cross-reference"), (r"```", "a code fence"),
            (r"\{#[\w-]+\}|\{\.[\w-]+\}", "an attribute"), (r"\]\((?:\w|\.|/|#)[^)\s]*\)", "a link in markdown"), (r"\{\{<", "a shortcode")]


def pages_of(out):
    "Every page, parsed; the bytes of embedded pictures are left out."
    texts = {p.relative_to(out).as_posix(): p.read_text(encoding="utf-8") for p in sorted(out.rglob("*.html"))}
    return {name: BeautifulSoup(re.sub(r"(data:image/[\w+]+;base64,)[\w+/=]+", r"\1", t), "html.parser") for name, t in texts.items()}


def around(tag):
    "The heading above a tag, to find the place."
    heading = tag.find_previous(["h1", "h2", "h3", "h4"])
    return f"under “{heading.get_text(' ', strip=True)}”" if heading else "at the top"


class Checker:
    def __init__(self, out):
        self.out, self.pages, self.errors = out, pages_of(out), []
        self.ids = {name: {t["id"] for t in soup.find_all(id=True)} for name, soup in self.pages.items()}
        config = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
        self.config, self.url, self.repo = config, config["website"]["site-url"].rstrip("/"), config["website"]["repo-url"].rstrip("/")
        self.counts = dict.fromkeys(("pages", "links", "anchors", "source links", "pictures", "formulas"), 0)
        self.counts["pages"] = len(self.pages)

    def error(self, page, tag, text): self.errors.append(f"{page}, {around(tag) if tag is not None else 'whole page'}: {text}")

    def local(self, page, href):
        "The file in the site that a link means."
        path = unquote(urlsplit(href).path)
        target = ((self.out / page).parent / path).resolve() if path else self.out / page
        return target / "index.html" if target.is_dir() else target

    def link(self, page, tag):
        href, parts = tag["href"], urlsplit(tag["href"])
        if href in ("", "#"): return
        if href.startswith(self.url): return self.error(page, tag, f"{href} is the site's own address, which is of no use offline")
        if href.startswith(self.repo): return self.source(page, tag, parts)
        if parts.scheme in ("http", "https", "mailto", "data"): return
        self.counts["links"] += 1
        target = self.local(page, href)
        if not target.is_file() or self.out not in target.parents: return self.error(page, tag, f"the link {href} leads nowhere")
        if parts.fragment and target.suffix == ".html":
            self.counts["anchors"] += 1
            if unquote(parts.fragment) not in self.ids[target.relative_to(self.out).as_posix()]: self.error(page, tag, f"the link {href} leads to a page that has no such anchor")

    def source(self, page, tag, parts):
        "A link into the repository: the file exists, and the lines hold what is documented."
        found = re.match(rf"{re.escape(urlsplit(self.repo).path)}/(?:blob|tree|edit|raw)/main/?(.*)$", unquote(parts.path))
        if not found: return
        self.counts["source links"] += 1
        path = ROOT / found[1]
        if not path.exists(): return self.error(page, tag, f"{found[1]} is not in the repository")
        lines = re.match(r"L(\d+)", parts.fragment)
        if not lines: return
        line, heading = path.read_text(encoding="utf-8").splitlines()[int(lines[1]) - 1], tag.find_previous(["h2", "h3", "h4"]).get_text(strip=True)
        if not re.match(rf"\s*(?:def|class) {re.escape(heading)}\b", line): self.error(page, tag, f"line {lines[1]} of {found[1]} does not define {heading}")

    def picture(self, page, tag):
        self.counts["pictures"] += 1
        src = tag.get("src", "")
        if not tag.get("alt", "").strip(): self.error(page, tag, f"a picture has no alternative text ({src[:60]})")
        if urlsplit(src).scheme in ("http", "https"): self.error(page, tag, f"the picture {src} comes from outside")
        elif not src.startswith("data:") and not self.local(page, src).is_file(): self.error(page, tag, f"the picture {src} does not exist")

    def outside(self, page, tag):
        "A script, style or font from elsewhere."
        address = tag.get("src") or tag.get("href") or ""
        if urlsplit(address).scheme in ("http", "https") or address.startswith("//"): self.error(page, tag, f"{address} is loaded from outside")
        elif address and not self.local(page, address).is_file(): self.error(page, tag, f"{address} does not exist")

    def leftovers(self, page, soup):
        "Markup that nobody resolved, in the text a reader sees."
        for text in soup.body.find_all(string=True):
            if isinstance(text, Comment) or text.find_parent(["code", "pre", "script", "style", "textarea"]) or text.find_parent(class_="math"): continue
            for pattern, name in LEFTOVER:
                if m := re.search(pattern, text): self.error(page, text, f"{name} stands in the text: “{text[max(0, m.start() - 30):m.end() + 30].strip()}”")

    def page(self, page, soup):
        first = page == next(iter(self.pages))  # what stands on every page is looked at once
        for tag in soup.find_all("a", href=True):
            if first or not tag.find_parent(id=["quarto-sidebar", "quarto-header"]): self.link(page, tag)
        for tag in soup.find_all("img"): self.picture(page, tag)
        for tag in soup.find_all("script", src=True) + soup.find_all("link", rel=lambda r: r and r != ["canonical"]): self.outside(page, tag)
        for tag in soup.find_all("meta", property="og:image"):
            if not (self.out / tag["content"].removeprefix(self.url).lstrip("/")).is_file(): self.error(page, None, f"the card {tag['content']} does not exist")
        if not soup.find("meta", property="og:image"): self.error(page, None, "there is no card (og:image)")
        self.leftovers(page, soup)
        formulas = soup.find_all(class_="math")
        self.counts["formulas"] += len(formulas)
        for tag in formulas:
            if m := re.search(r"(?<!\\)\\\\[a-zA-Z]{2,}", tag.get_text()): self.error(page, tag, f"a formula has a doubled backslash: {m[0]}")
        titles = [h for h in soup.find_all("h1")]
        if len(titles) != 1: self.error(page, titles[-1] if titles else None, f"{len(titles)} titles instead of one")
        ids = [t["id"] for t in soup.find_all(id=True)]
        for name in sorted({i for i in ids if ids.count(i) > 1}): self.error(page, None, f"the anchor {name} stands there twice")

    def styles(self):
        for path in (self.out / "site_libs").rglob("*.css"):
            if m := re.search(r"(?:@import\s*(?:url\()?|url\()[\"']?((?:https?:)?//[^)\"']+)", path.read_text(encoding="utf-8")): self.errors.append(f"{path.relative_to(self.out)}: {m[1]} is loaded from outside")

    def sidebar(self):
        "Every entry of the sidebar is a page, and every page an entry."
        listed = re.findall(r"[\w/.-]+\.(?:ipynb|qmd|md)\b", json.dumps(self.config["website"]["sidebar"]))
        for name in listed:
            if not (ROOT / "nbs" / name).exists(): self.errors.append(f"_quarto.yml: the sidebar lists {name}, which is not in nbs/")
        first = next(iter(self.pages.values()))
        linked = {self.local(next(iter(self.pages)), a["href"]).relative_to(self.out).as_posix() for a in first.select("#quarto-sidebar a[href]") if a["href"] not in ("", "#") and not urlsplit(a["href"]).scheme}
        for page in sorted(self.pages.keys() - linked - {"404.html"}): self.errors.append(f"{page}: no entry of the sidebar in _quarto.yml leads here")

    def api(self):
        "Every public name: shown with its parameters, linked to its lines, and used in a cell after it; listed on the index."
        public = ast.literal_eval(re.search(r"^_public = (\{.*?^\})", (ROOT / "cosmoreg/__init__.py").read_text(encoding="utf-8"), re.M | re.S)[1])
        shown = {name: soup for name, soup in self.pages.items() if name.startswith("api/") and name != "api/index.html"}
        index = self.pages.get("api/index.html")
        for name in sorted(n for names in public.values() for n in names):
            page, tag = next(((p, t) for p, s in shown.items() for t in s.select(".definition > h3") if t.get_text(strip=True) == name), (None, None))
            if not tag:
                self.errors.append(f"api: the public name {name} has no show_doc({name}) with an example on a page in nbs/api")
                continue
            block = tag.find_parent(class_="definition")
            if not block.find("table") and not block.find("pre", string=re.compile(r"\(\)\s*$")): self.error(page, tag, f"{name} has no table of parameters: its docments are missing")
            if not block.select_one("a.source-link"): self.error(page, tag, f"{name} has no link to its source")
            example = tag.find_next(lambda t: "cell-code" in t.get("class", []) or t.name in ("h2", "h3"))
            if not example or example.name in ("h2", "h3") or name not in example.get_text(): self.error(page, tag, f"no example that uses {name} follows it")
            if index and not index.find("a", string=name): self.errors.append(f"api/index.html: {name} is not listed")

    def figures(self):
        "Notebooks as committed: a cell with a caption has its picture, a cell with a picture has caption and alternative text."
        for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
            name = path.relative_to(ROOT / "nbs").as_posix()
            if any(s.startswith((".", "_")) for s in Path(name).parts): continue
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                source, outputs = "".join(cell["source"]), cell.get("outputs", [])
                option = lambda o: re.search(rf"^#\| *{o}\b", source, re.M)
                if cell["cell_type"] != "code" or option("hide") or option("cuda"): continue
                drawn, first = any(k.startswith("image/") for o in outputs for k in o.get("data", {})), next((l for l in source.splitlines() if not l.startswith("#|")), "")
                if option("fig-cap") and not drawn: self.errors.append(f"nbs/{name}: the figure of the cell “{first[:60]}” is not saved: run the notebook")
                if drawn and not (option("fig-cap") and option("fig-alt")): self.errors.append(f"nbs/{name}: the figure of the cell “{first[:60]}” lacks fig-cap or fig-alt")
                if noise := next(("".join(o["text"]) for o in outputs if o.get("name") == "stderr"), None): self.errors.append(f"nbs/{name}: the cell “{first[:60]}” has saved a warning, “{noise[:60].strip()}”")
                if any(o.get("output_type") == "error" for o in outputs): self.errors.append(f"nbs/{name}: the cell “{first[:60]}” ended in an error")

    def settings(self):
        "What both settings.ini and _quarto.yml say."
        ini = dict(re.findall(r"^(\w+) *= *(.*)$", (ROOT / "settings.ini").read_text(encoding="utf-8"), re.M))
        for key, value in (("site-url", ini["doc_host"] + ini["doc_baseurl"]), ("repo-url", ini["git_url"]), ("title", ini["title"]), ("repo-branch", ini["branch"])):
            if self.config["website"].get(key) != value: self.errors.append(f"_quarto.yml: {key} is not {value}, as settings.ini has it")


def check(out):
    "Every error, and how much was looked at."
    c = Checker(out)
    for page, soup in c.pages.items(): c.page(page, soup)
    for look in (c.styles, c.sidebar, c.api, c.figures, c.settings): look()
    return c.errors, c.counts


if __name__ == "__main__":
    if len(sys.argv) != 2: sys.exit(__doc__)
    errors, counts = check(Path(sys.argv[1]).resolve())
    print("\n".join(errors + [", ".join(f"{n} {what}" for what, n in counts.items()) + f"; {len(errors)} errors"]))
    sys.exit(bool(errors))
