"""The report in a real browser: with and without its script, on a phone, on paper."""

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mien.experiments.report import build_report
from mien.experiments.report.write import render_html

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE, DESKTOP, PAPER = (360, 740), (1280, 900), (680, 990)
KINDS = ("two", "eight", "failed", "absent", "complete_one", "complete")

LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """A headless Chromium that is told what to do through a pipe (its DevTools protocol)."""

    def __init__(self, program, folder):
        self.numbers = itertools.count(1)
        self.events, self.rest = [], b""
        ends = [*os.pipe(), *os.pipe()]
        from_us, self.out, self.back, from_it = (
            fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends
        )
        for end in ends:
            os.close(end)
        options = (
            "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
            "--no-first-run", "--disable-extensions", "--disable-background-networking",
            "--hide-scrollbars", f"--user-data-dir={folder}", "about:blank",
        )  # fmt: skip
        with (Path(folder) / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, str(from_us), str(from_it), program, *options],
                pass_fds=(from_us, from_it), stdout=log, stderr=log,
            )  # fmt: skip
        os.close(from_us)
        os.close(from_it)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Do one thing and return its result; what happens meanwhile goes to the events."""
        message = {"id": next(self.numbers), "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while (answer := self.read()).get("id") != message["id"]:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def read(self):
        while b"\0" not in self.rest:
            part = os.read(self.back, 1 << 20)
            assert part, "the browser ended"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def open(self, path, *, size=DESKTOP, script=True, media="", dark=False):
        """Open a file; afterwards the events are those of this page."""
        self.events = []
        width, height = size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url=path.as_uri())
        while not self.find("Page.loadEventFired"):
            self.events.append(self.read())

    def find(self, method):
        return [event["params"] for event in self.events if event.get("method") == method]

    def ask(self, expression):
        """Evaluate JavaScript; works where the page's own scripts are off, too."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def point(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key, code=0, text=""):
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def close(self):
        os.close(self.out)
        self.process.terminate()
        self.process.wait()
        os.close(self.back)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    browser = Browser(program, tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def write_page(build_results, tmp_path):
    """Write the report of a kind of results; returns its data and file."""

    def write(kind):
        report = build_report(build_results(kind))
        path = tmp_path / f"{kind}.html"
        path.write_text(render_html(report), encoding="utf-8")
        return report, path

    return write


def squeeze(text):
    return " ".join(text.split())


@pytest.mark.parametrize("kind", KINDS)
def test_page_is_read_on_a_phone_without_its_script(browser, write_page, kind):
    report, path = write_page(kind)
    browser.open(path, size=PHONE, script=False)
    width, seen = browser.ask("[document.documentElement.scrollWidth, document.body.innerText]")
    assert width <= PHONE[0]
    seen = squeeze(seen)
    for sentence in (report.headline.sentence, *report.sentences, *report.warnings):
        assert squeeze(sentence) in seen
    for fact in report.headline.facts:
        assert squeeze(fact.value) in seen
    tables = browser.ask("[...document.querySelectorAll('tbody')].map((b) => b.rows.length)")
    assert min(tables) > 0
    assert browser.ask("document.querySelectorAll('thead button, .peek').length") == 0
    assert browser.ask(
        "[...document.querySelectorAll('details')].every((d) => (d.open = true, d.innerText > ''))"
    )
    assert browser.ask("document.documentElement.scrollWidth") <= PHONE[0]


def test_script_runs_and_nothing_is_asked_of_the_network(browser, write_page):
    _, path = write_page("complete")
    browser.open(path)
    assert browser.ask("document.querySelectorAll('thead button').length") > 20
    asked = {event["request"]["url"] for event in browser.find("Network.requestWillBeSent")}
    assert {url for url in asked if not url.startswith("data:image/")} == {path.as_uri()}
    assert not browser.find("Runtime.exceptionThrown")
    assert not browser.find("Log.entryAdded")


def test_names_of_classes_run_no_script(browser, write_page):
    _, path = write_page("complete_hostile")
    browser.open(path)
    assert not browser.find("Page.javascriptDialogOpening")
    assert not browser.find("Log.entryAdded")
    assert browser.ask("document.scripts.length") == 1


def test_table_is_sorted_by_click_and_key(browser, write_page):
    _, path = write_page("complete")
    browser.open(path)
    browser.ask(
        """window.table = document.querySelector('table.sortable');
        window.column = (name) => [...table.tHead.rows[0].cells].findIndex(
          (head) => head.textContent.trim() === name);
        window.cells = (i) => [...table.tBodies[0].rows].map((row) => row.cells[i].textContent);
        0"""
    )
    fit = browser.ask("column('Fit')")
    before = browser.ask(f"cells({fit})")
    assert any("min" in text for text in before)
    assert any("min" not in text for text in before)  # seconds and minutes side by side
    browser.ask(f"table.tHead.rows[0].cells[{fit}].firstElementChild.click()")
    falling = browser.ask(f"cells({fit})")
    assert "min" in falling[0]
    assert "min" not in falling[-1]
    state = f"table.tHead.rows[0].cells[{fit}].getAttribute('aria-sort')"
    assert browser.ask(state) == "descending"
    browser.ask(f"table.tHead.rows[0].cells[{fit}].firstElementChild.focus()")
    browser.press("Enter", 13, "\r")
    assert browser.ask(f"cells({fit})") == falling[::-1]
    assert browser.ask(state) == "ascending"
    browser.ask("table.tHead.rows[0].cells[0].firstElementChild.click()")
    names = browser.ask("cells(0)")
    assert names == sorted(names, key=str.lower)
    assert browser.ask("table.querySelectorAll('[aria-sort]').length") == 1


def test_averages_stay_below_the_classes(browser, write_page):
    _, path = write_page("eight")
    browser.open(path)
    foot = browser.ask(
        """(() => {
          const table = document.querySelector('#model-1 ~ .scroll table');
          for (const button of table.querySelectorAll('thead button')) button.click();
          return [...table.rows].slice(-3).map((row) => row.cells[0].textContent);
        })()"""
    )
    assert foot == ["Accuracy", "Macro average", "Weighted average"]


def test_cell_shows_its_faces_on_hover_key_and_tap(browser, write_page):
    report, path = write_page("complete")
    cell = next(cell for cell in report.sections[0].cells if not cell.right)
    browser.open(path)
    faces = "document.querySelectorAll('.peek:not([hidden]) use').length"
    middle = browser.ask(
        f"""(() => {{
          window.cell = document.querySelector('svg.matrix [data-cell="{cell.key}"]');
          cell.scrollIntoView({{ block: 'center' }});
          const box = cell.getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        }})()"""
    )
    assert browser.ask(faces) == 0
    browser.point(*middle)
    assert browser.ask(faces) == len(cell.rows)
    assert squeeze(browser.ask("document.querySelector('.peek').innerText")) == (
        f"{cell.true} taken for {cell.predicted}: {cell.count}"
    )
    box = browser.ask(
        "(() => { const b = document.querySelector('.peek').getBoundingClientRect();"
        " return [b.left, b.top, innerWidth - b.right, innerHeight - b.bottom]; })()"
    )
    assert min(box) >= 0
    browser.point(2, 2)
    assert browser.ask(faces) == 0
    browser.ask("document.querySelector('svg.matrix [data-cell=\"0,0\"]').focus()")
    assert browser.ask(faces) > 0
    browser.press("ArrowDown", 40)
    assert browser.ask("document.activeElement.dataset.cell") == "1,0"
    browser.press("Escape", 27)
    assert browser.ask(faces) == 0
    browser.ask("document.activeElement.blur()")
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        touch = [{"x": middle[0], "y": middle[1]}]
        browser.ask("cell.scrollIntoView({ block: 'center' })")
        browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=touch)
        browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        assert browser.ask(faces) == len(cell.rows)
    finally:
        browser.call("Emulation.setTouchEmulationEnabled", enabled=False)


def test_page_is_printed(browser, write_page):
    _, path = write_page("complete")
    browser.open(path, size=PAPER, media="print")
    assert browser.ask("document.documentElement.scrollWidth") <= PAPER[0]
    hidden = "[...document.querySelectorAll('details, nav, .only-script')]"
    assert browser.ask(f"{hidden}.every((e) => getComputedStyle(e).display === 'none')")
    assert browser.ask("getComputedStyle(document.body).color") == "rgb(26, 29, 33)"
    printed = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
    assert base64.b64decode(printed["data"]).startswith(b"%PDF-")
