"""A person's look at the built site in headless Chromium, from file://: `python .ci/browser.py OUT [SHOTS]`.
Every page at desktop and phone width, pictures of some, the search, the sidebar, the colours; no error in the console, no request that leaves the machine."""
import base64, json, shutil, sys, time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

SHOWN = ["index.html", "potential.html", "experiments/index.html", "experiments/digits.html", "api/index.html", "api/confinement.html", "tutorials/start.html"]
SIZES = {"desktop": (1400, 1000), "phone": (390, 844)}
WIDER = """
const wide = document.documentElement.scrollWidth - window.innerWidth;
const inBox = e => { for (let p = e.parentElement; p; p = p.parentElement) { const s = getComputedStyle(p).overflowX; if (s === 'auto' || s === 'scroll' || s === 'hidden') return true } return false };
const who = [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > window.innerWidth + 1 && !inBox(e)).slice(0, 3);
return [wide, who.map(e => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40))];
"""


def start():
    "A browser that keeps its console and its requests."
    options = webdriver.ChromeOptions()
    for a in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
              "--disable-sync", "--no-first-run", "--hide-scrollbars", "--force-device-scale-factor=1"): options.add_argument(a)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = shutil.which("chromedriver")
    if not driver: sys.exit("chromedriver is not installed: apt-get install -y chromium chromium-driver")
    return webdriver.Chrome(options=options, service=Service(driver))


class Visit:
    def __init__(self, out, shots):
        self.out, self.shots, self.driver, self.errors, self.requests, self.looked = out, shots, start(), [], 0, 0
        self.wait = lambda until, seconds=15: WebDriverWait(self.driver, seconds).until(until)

    def width(self, size):
        "The size of the page itself: Chromium's windows stop at 500 pixels."
        w, h = SIZES[size]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": w, "height": h, "deviceScaleFactor": 1, "mobile": size == "phone"})

    def open(self, page):
        self.page = page
        self.driver.get((self.out / page).as_uri())
        self.wait(lambda d: d.execute_script("return document.readyState") == "complete")

    def expect(self, holds, text):
        if not holds: self.errors.append(f"{self.page}: {text}")

    def listen(self):
        "What the console said and what was asked for since the last time."
        for entry in self.driver.get_log("browser"):
            if entry["level"] in ("SEVERE", "ERROR", "WARNING"): self.errors.append(f"{self.page}: the console says {entry['message'].split(' ', 2)[-1][:200]}")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent": continue
            self.requests += 1
            address = message["params"]["request"]["url"]
            if not address.startswith(("file:", "data:", "about:", "blob:", "chrome:")): self.errors.append(f"{self.page}: a request leaves the machine: {address[:120]}")

    def look(self, page, size):
        "One page in one size."
        self.width(size); self.open(page); self.looked += 1
        script = self.driver.execute_script
        formulas, typeset, failed = script("return [document.querySelectorAll('span.math').length, document.querySelectorAll('.math .katex').length, document.querySelectorAll('.katex-error').length]")
        self.expect(formulas == typeset and not failed, f"{typeset} of {formulas} formulas are typeset, {failed} with errors")
        self.expect("$$" not in script("return [...document.querySelectorAll('main p, main li, main td')].map(e => e.innerText).join(' ')"), "$$ stands in the text")
        wide, who = script(WIDER)
        self.expect(wide <= 0 and not who, f"at {SIZES[size][0]} pixels the page is {wide} pixels too wide: {who}")
        over = script("return [...document.querySelectorAll('.katex-html')].filter(h => { const t = h.querySelector('.katex-tag'), b = [...h.children].filter(c => c !== t); return t && b.length && b[b.length - 1].getBoundingClientRect().right > t.getBoundingClientRect().left + 1 && t.getBoundingClientRect().top < b[b.length - 1].getBoundingClientRect().bottom }).length")
        self.expect(not over, f"at {SIZES[size][0]} pixels the number of {over} formulas stands on the formula")
        blank = script("return [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src.slice(0, 80))")
        self.expect(not blank, f"pictures that show nothing: {blank}")
        if page in SHOWN: self.shot(f"{page.removesuffix('.html').replace('/', '-')}-{size}")
        self.listen()

    def shot(self, name, whole=True):
        if not self.shots: return
        height = min(self.driver.execute_script("return document.documentElement.scrollHeight"), 6000) if whole else 1000
        width = self.driver.execute_script("return window.innerWidth")
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}})["data"]
        (self.shots / f"{name}.png").write_bytes(base64.b64decode(data))

    def find(self, selector): return self.driver.find_element(By.CSS_SELECTOR, selector)

    def search(self, word, wanted):
        "Types a word, takes the first result."
        self.width("desktop"); self.open("index.html")
        box = self.find("#quarto-search input")
        box.send_keys(word)
        hits = self.wait(lambda d: d.find_elements(By.CSS_SELECTOR, "a.search-result"))
        self.expect(any(wanted in h.get_attribute("href") for h in hits[:5]), f"the search for {word} does not find {wanted} among its first five: {[h.get_attribute('href').split('/out/')[-1] for h in hits[:5]]}")
        self.shot(f"search-{word}", whole=False)
        target = hits[0].get_attribute("href")
        hits[0].click()
        self.wait(lambda d: d.current_url == target)
        self.expect(self.find("h1").text != "", f"the search result {target} is an empty page")
        self.listen()

    def sidebar(self, size):
        "Opens a chapter in the sidebar and goes to its page."
        self.width(size); self.open("index.html")
        if size == "phone": self.find("button.quarto-btn-toggle").click(); time.sleep(.5)
        link = self.find('#quarto-sidebar a[href$="loss.html"]')
        if not link.is_displayed():
            self.driver.execute_script("arguments[0].closest('.sidebar-item-section').querySelector('[data-bs-toggle=collapse]').click()", link)
            self.wait(lambda d: link.is_displayed()); time.sleep(.5)
        self.shot(f"sidebar-{size}", whole=False)
        link.click()
        self.wait(lambda d: d.current_url.endswith("/loss.html"))
        self.expect(self.find("#quarto-sidebar a.active").get_attribute("href").endswith("loss.html"), "the sidebar does not mark the page that is open")
        self.listen()

    def dark(self, page):
        "The other colours: another background, and the choice is kept."
        self.width("desktop"); self.open(page)
        colour = lambda: self.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        before = colour()
        self.find(".quarto-color-scheme-toggle").click()
        self.wait(lambda d: colour() != before)
        self.shot(f"{page.removesuffix('.html').replace('/', '-')}-dark"); self.open(page)
        self.expect(colour() != before, "the choice of dark colours is forgotten on the next page")
        self.find(".quarto-color-scheme-toggle").click(); self.listen()

    def copy(self):
        "Every block of code has its button."
        self.open("index.html")
        blocks, buttons = (len(self.driver.find_elements(By.CSS_SELECTOR, s)) for s in ("div.sourceCode", "button.code-copy-button"))
        self.expect(blocks and blocks == buttons, f"{buttons} copy buttons for {blocks} blocks of code")


def main(out, shots):
    if shots: shots.mkdir(parents=True, exist_ok=True)
    visit = Visit(out, shots)
    try:
        for size in SIZES:
            for page in sorted(p.relative_to(out).as_posix() for p in out.rglob("*.html")): visit.look(page, size)
            visit.sidebar(size)
        for word, wanted in (("entropy", "entropy"), ("OrthoGrad", "ortho"), ("confinement radius", "potential")): visit.search(word, wanted)
        visit.dark("potential.html"); visit.dark("index.html"); visit.copy()
    finally: visit.driver.quit()
    visit.errors = list(dict.fromkeys(visit.errors))
    print("\n".join(visit.errors + [f"{visit.looked} views, {visit.requests} requests, all on this machine; {len(visit.errors)} errors"]))
    return not visit.errors


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3): sys.exit(__doc__)
    sys.exit(not main(*[Path(a).resolve() for a in sys.argv[1:]], *[None] * (3 - len(sys.argv))))
