"""How the documentation shows a definition: `renderer` and `procs` in settings.ini. Written by hand; nbdev reads it,
no module of the package does, and it alone needs nbdev."""
import ast
import base64
import inspect
import io
import json
import re
from functools import cache
from importlib import import_module
from inspect import Parameter

from execnb.nbio import mk_cell
from fastcore.docments import MarkdownRenderer, docments
from nbdev.config import get_config
from nbdev.process import Processor

DEFINITIONS = ast.FunctionDef, ast.ClassDef


@cache
def lines_of():
    "name -> (module, first line, last line) of every public function and class of the package."
    paths = sorted(p for p in get_config().lib_path.glob("*.py") if not p.stem.startswith("_"))
    nodes = [(p.stem, n) for p in paths for n in ast.parse(p.read_text(encoding="utf-8")).body if isinstance(n, DEFINITIONS)]
    return {n.name: (module, n.lineno, n.end_lineno) for module, n in nodes if not n.name.startswith("_")}


def packaged(sym):
    "The package's own object for one that a notebook has just defined again: only that one knows its source."
    module, *_ = lines_of().get(sym.__name__, [None])
    return getattr(import_module(f"{get_config().lib_name}.{module}"), sym.__name__) if module else sym


def source_url(
    name: str,  # a public function or class
) -> str:       # link to its lines on the code host; None where the package does not define it
    "Link to a definition."
    if name not in lines_of(): return
    config, (module, first, last) = get_config(), lines_of()[name]
    return f"{config.git_url}/blob/{config.branch}/{config.lib_path.name}/{module}.py#L{first}-L{last}"


def type_text(anno):
    "A type as it is written, without the modules in front of it; `|` would end a table's cell."
    if anno in (None, Parameter.empty): return ""
    return re.sub(r"\s*\|\s*", " or ", re.sub(r"\b[\w.]+\.(?=\w)", "", inspect.formatannotation(anno)).strip("'"))


def default_text(default):
    "A default as it is written."
    if default is Parameter.empty: return ""
    return getattr(default, "__name__", None) or repr(default).replace("<factory>", "a new one")


def plain(text):
    "A docment in a table's cell: code between backticks stays code, the rest is no markup."
    escape = lambda s: re.sub(r"([|*_<>$^~\[\]@#\\])", r"\\\1", s)
    return "".join(s.replace("|", " or ") if s.startswith("`") else escape(s) for s in re.split(r"(`[^`]*`)", text or ""))


def parameter_table(
    sym: object,  # a function or class
) -> str:         # a table in markdown; empty where there is nothing to tell
    "Parameters of a function or class, then what it returns: name, type, default, docment."
    code, found = lambda s: f"`{s}`" if s else "", docments(sym, full=True, args_kwargs=True)
    returns = {} if inspect.isclass(sym) else found.get("return", {})
    rows = [(code(n), p) for n, p in found.items() if n not in ("self", "cls", "return")] + [("*returns*", returns)] * bool(returns.get("docment"))
    if not any(p.get("docment") for _, p in rows): return ""
    body = [f"| {name} | {code(type_text(p.anno))} | {code(default_text(p.default))} | {plain(p.docment)} |" for name, p in rows]
    return "\n".join(["::: {.parameters}", "", "| parameter | type | default | what it is |", "|:--|:--|:--|:-----|", *body, "", ":::"])


def call_text(sym, name):
    "A call as it is written: names and defaults, without types; a line for each where one line is too long."
    stars = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}
    try: given = [p for p in inspect.signature(sym).parameters.values() if p.name not in ("self", "cls")]
    except ValueError: return f"{name}(...)"  # an exception class
    args = [stars.get(p.kind, "") + p.name + ("" if p.default is p.empty else f"={default_text(p.default)}") for p in given]
    keyword = [i for i, p in enumerate(given) if p.kind is p.KEYWORD_ONLY]
    if keyword and not any(p.kind is p.VAR_POSITIONAL for p in given): args.insert(keyword[0], "*")
    line = f"{name}({', '.join(args)})"
    return line if len(line) <= 92 else f"{name}(\n    " + ",\n    ".join(args) + ",\n)"


def methods(cls):
    "name -> function of the public methods that the package defines for a class, bases included, and that say what they do."
    own = [c for c in reversed(cls.__mro__) if c.__module__ == cls.__module__]
    found = {n: getattr(m, "__func__", m) for c in own for n, m in vars(c).items() if not n.startswith("_") and n != "extra_repr"}
    return {n: m for n, m in found.items() if inspect.isfunction(m) and inspect.getdoc(m)}


def describe(sym, name):
    "Call, docstring and parameters."
    return [f"```python\n{call_text(sym, name)}\n```", inspect.getdoc(sym), parameter_table(sym)]


class Renderer(MarkdownRenderer):
    "A definition as heading, link to its lines, call, docstring, parameters, methods."
    def _repr_markdown_(self):
        sym, url = packaged(self.sym), source_url(self.nm)
        anchor = f'<span id="{self.nm}"></span>' if self.nm != self.nm.lower() else ""  # StableMax and stablemax differ by case only
        parts = [anchor, f"{'#' * self.title_level} {self.nm}", url and f"[source]({url}){{.source-link}}", *describe(sym, self.nm)]
        for name, method in methods(sym).items() if inspect.isclass(sym) else ():
            parts += [f'<span id="{self.nm.lower()}.{name}"></span>', *describe(method, f".{name}")]
        return "::: {.definition}\n\n" + "\n\n".join(filter(None, parts)) + "\n\n:::\n"


class ShowSource(Processor):
    "Shows the source of exported cells, which nbdev leaves out: folded below the definition, open for private helpers."
    def __init__(self, nb):
        super().__init__(nb)
        for cell in nb.cells:
            if cell.cell_type == "code" and "export" in cell.directives_ and "hide" not in cell.directives_ and self.names(cell, ast.stmt) != self.names(cell, (ast.Import, ast.ImportFrom)):
                cell.directives_["exports"] = cell.directives_.pop("export")

    def names(self, cell, kinds): return [getattr(n, "name", "") for n in ast.parse(cell.source).body if isinstance(n, kinds)]

    def end(self):
        cells = []
        for cell in self.nb.cells:
            if cell.cell_type == "code" and "exports" in cell.directives_:
                names = self.names(cell, DEFINITIONS)
                private = [f'<span id="{n.lower()}"></span>' for n in names if n.startswith("_")]
                if private: cells.append(mk_cell("".join(private), "markdown"))
                options = "" if len(private) == len(names) else '#| code-fold: true\n#| code-summary: "Source"\n'
                cell.source = options + re.sub(r"^#\| code-(fold|summary).*\n", "", cell.source, flags=re.M)
            cells.append(cell)
        self.nb.cells = cells


def sources(path):
    "The cells of a notebook, each with its text in one piece."
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [{**c, "source": "".join(c["source"])} for c in cells]


@cache
def api_pages():
    "name -> page of nbs/api that shows it."
    found = [(path.stem, c["source"]) for path in sorted((get_config().nbs_path / "api").glob("*.ipynb")) for c in sources(path)]
    return {m[1]: page for page, source in found if (m := re.match(r"show_doc\((\w+)\)", source))}


def first_sentence(sym):
    "What a definition does, in its own words."
    return re.sub(r"\.$", "", re.split(r"(?<=\w\w[.:;])\s", inspect.getdoc(sym) or "")[0].rstrip(":;")) + "."


def public_index():
    "Every public name by module: a link to its place in nbs/api, and what it does."
    config = get_config()
    package = import_module(config.lib_name)
    def row(name, module): return f"| [{name}]({api_pages()[name]}.ipynb#{name}) | {plain(first_sentence(getattr(import_module(f'{config.lib_name}.{module}'), name)))} |"
    def chapter(module, names):
        notebook = next(config.nbs_path.glob(f"[0-9]*_{module}.ipynb")).name
        return "\n".join([f"## [{module}](../{notebook})", "", "::: {.names}", "", "| name | what it does |", "|:--|:-----|", *(row(n, module) for n in names), "", ":::"])
    return "\n\n".join(chapter(*item) for item in package._public.items())


def thumbnail(png, width=480):
    "A figure in small, as a data address."
    from PIL import Image
    image, out = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"), io.BytesIO()
    small = image.resize((width, round(width * image.height / image.width)), Image.LANCZOS)
    small.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)   # a palette takes less than half the size
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def verdict(cells):
    "The first paragraph after the heading Verdict, written or computed, without the numbers in brackets."
    start = next(i for i, c in enumerate(cells) if re.search(r"^## Verdict", c["source"], re.M))
    written = re.sub(r"^.*?## Verdict", "", cells[start]["source"], flags=re.S)
    computed = ["".join(o["data"]["text/markdown"]) for c in cells[start + 1:] for o in c.get("outputs", []) if "text/markdown" in o.get("data", {})]
    text = next(t.strip() for t in [written, *computed] if t.strip()).split("\n\n")[0]
    while (short := re.sub(r" ?(?<!\])\([^()]*\)", "", text)) != text: text = short
    return text


def alt_text(source):
    "A figure cell's alt text."
    return re.sub(r"[\[\]]", "", re.search(r'^#\| fig-alt: "(.*)"$', source, re.M)[1])


def experiment_card(path):
    "An experiment's first figure, title and verdict."
    cells = sources(path)
    if not any(re.search(r"^## Verdict", c["source"], re.M) for c in cells): raise ValueError(f"{path.name} has no heading ## Verdict: the index of experiments shows what follows it.")
    title = re.search(r"^# (.+)$", "\n".join(c["source"] for c in cells if c["cell_type"] == "markdown"), re.M)[1]
    figures = [(c["source"], o["data"]["image/png"]) for c in cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
    picture = "".join(f"[![{alt_text(source)}]({thumbnail(png)})]({path.name})\n\n" for source, png in figures[:1])
    return f"::: {{.experiment}}\n\n{picture}**[{title}]({path.name})**\n\n{verdict(cells)}\n\n:::"


def experiments_index():
    "A card for every page of nbs/experiments."
    return "\n\n".join(experiment_card(p) for p in sorted((get_config().nbs_path / "experiments").glob("*.ipynb")) if p.stem != "index")
