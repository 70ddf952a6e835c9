"""The page in a real browser, without a screen."""

import re
import shutil

import cv2
import numpy as np
import pytest
from playwright import sync_api

from mien.experiments.serve.recogniser import Recogniser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
REPORT = b"""<!doctype html><title>Results</title><h1>Results</h1><script>
let told = `origin ${origin}`;
try { parent.document.title } catch (error) { told += `, ${error.name}` }
document.querySelector("h1").textContent = told</script>"""


@pytest.fixture(scope="module")
def webcam(faces, tmp_path_factory):
    """A file that stands for a webcam: one surprised face, as raw frames."""
    path = tmp_path_factory.mktemp("webcam") / "face.y4m"
    picture = faces[1].picture
    height, width = picture.shape[:2]
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420).tobytes()
    path.write_bytes(
        f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420mpeg2\n".encode()
        + b"".join(b"FRAME\n" + planes for _ in range(5))
    )
    return path


@pytest.fixture(scope="module")
def browser(webcam):
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={webcam}",
            ],
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(serve, bundle, landmarker):
    with serve(Recogniser(bundle, landmarker), report=REPORT) as page:
        yield page


@pytest.fixture
def open_page(browser, site):
    """A function that opens the page; afterwards no request has gone elsewhere, nothing failed."""
    contexts, requests, problems = [], [], []

    def open_page(size=DESKTOP, **options):
        context = browser.new_context(viewport=size, permissions=["camera"], **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda told: problems.append(told.text) if is_problem(told) else None)
        page.goto(site.address)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    elsewhere = [url for url in requests if not url.startswith((site.address, "blob:", "data:"))]
    assert elsewhere == []
    assert problems == []


def is_problem(told):
    return told.type == "error" and "Failed to load resource" not in told.text


def wait_for_text(page, selector, pattern):
    sync_api.expect(page.locator(selector)).to_have_text(re.compile(pattern))


def wait_for_time(rows, pattern):
    sync_api.expect(rows).to_have_attribute("aria-valuenow", re.compile(f"^{pattern}$"))


def give(page, data, name="face.png", kind="image/png"):
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": data})


def count_drawn(page):
    return page.evaluate(
        "() => { const c = document.getElementById('overlay');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".filter((v, i) => i % 4 === 3 && v > 0).length }"
    )


def test_a_picture(open_page, happy):
    page = open_page()
    give(page, happy)
    wait_for_text(page, "#verdict", "^happy$")
    wait_for_text(page, "#sure", r"\d+ % sure")
    wait_for_text(page, "#spoken", r"happy, .*%")
    assert page.locator("#bars li").count() == 2
    assert page.locator("#bars li.top-class .name").text_content() == "happy"
    assert (
        page.locator("#crops img").evaluate(
            "image => image.decode().then(() => image.naturalWidth)"
        )
        == 128
    )
    contours = count_drawn(page)
    assert contours > 500
    page.check("input[value=mesh]", force=True)
    assert count_drawn(page) > 1.5 * contours
    page.check("input[value=none]", force=True)
    assert count_drawn(page) == 0


def test_landmarks_lie_on_the_face(open_page, happy, faces):
    page = open_page()
    give(page, happy)
    wait_for_text(page, "#verdict", "^happy$")
    box = page.evaluate(
        "() => { const c = document.getElementById('overlay'), w = c.width;"
        " const d = c.getContext('2d').getImageData(0, 0, w, c.height).data; let x = [], y = [];"
        " for (let i = 3; i < d.length; i += 4) if (d[i] > 200) { x.push((i >> 2) % w / w);"
        " y.push(Math.floor((i >> 2) / w) / c.height) }"
        " const low = a => a.reduce((m, v) => Math.min(m, v));"
        " const high = a => a.reduce((m, v) => Math.max(m, v));"
        " return [low(x), low(y), high(x), high(y)] }"
    )
    height, width = faces[0].picture.shape[:2]
    true = faces[0].landmarks / (width, height)
    np.testing.assert_allclose(box, [*true.min(axis=0), *true.max(axis=0)], atol=0.06)


def test_what_is_no_picture_and_what_comes_after(open_page, happy):
    page = open_page()
    give(page, b"hello, I am a text", "notes.txt", "text/plain")
    wait_for_text(page, "#alert", "not a picture of a known format")
    assert page.locator("#alert").get_attribute("role") == "alert"
    assert page.locator("#choose").is_visible()
    give(page, happy)
    wait_for_text(page, "#verdict", "^happy$")
    assert page.locator("#alert").is_hidden()


def test_too_large_is_told_without_sending(open_page):
    page = open_page()
    page.evaluate(
        "() => { const file = new File([new Uint8Array(40 << 20)], 'a.png', {type: 'image/png'});"
        " const data = new DataTransfer(); data.items.add(file);"
        " document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data})) }"
    )
    wait_for_text(page, "#alert", "larger than 32 MB")


def test_no_face(open_page):
    page = open_page()
    grey = cv2.imencode(".png", np.full((120, 160), 127, np.uint8))[1].tobytes()
    give(page, grey)
    wait_for_text(page, "#alert", "No face was found")
    assert page.locator("#still").is_visible()


def test_a_picture_that_is_dropped(open_page, happy):
    page = open_page()
    page.evaluate(
        "bytes => { const data = new DataTransfer();"
        " data.items.add(new File([new Uint8Array(bytes)], 'a.png', {type: 'image/png'}));"
        " for (const type of ['dragenter', 'drop']) document.getElementById('stage').dispatchEvent("
        "new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true})) }",
        list(happy),
    )
    wait_for_text(page, "#verdict", "^happy$")
    assert "over" not in page.locator("#stage").get_attribute("class")


def test_the_webcam(open_page):
    page = open_page()
    page.click("#camera")
    wait_for_text(page, "#verdict", "^surprise$")
    wait_for_text(page, "#rate", r"\d pictures a second")
    assert count_drawn(page) > 500
    page.keyboard.press("Escape")
    assert page.locator("#choose").is_visible()
    wait_for_text(page, "#sure", "Nothing to look at yet")


def test_the_webcam_is_refused(open_page):
    page = open_page()
    page.evaluate(
        "() => navigator.mediaDevices.getUserMedia = () => "
        "Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page.click("#camera")
    wait_for_text(page, "#alert", "does not give the page the webcam")
    assert page.locator("#choose").is_visible()


def test_a_clip(open_page, clip):
    page = open_page()
    give(page, clip.read_bytes(), "two.webm", "video/webm")
    wait_for_text(page, "#verdict", "^happy$")
    sync_api.expect(page.locator("#busy")).to_be_hidden()
    rows = page.locator("#rows")
    wait_for_time(rows, "0.00")
    box = rows.bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 10)
    wait_for_text(page, "#verdict", "^surprise$")
    wait_for_time(rows, r"1\.[5-9].")
    assert page.evaluate("document.getElementById('video').currentTime") > 1.5
    rows.press("Home")
    wait_for_text(page, "#verdict", "^happy$")
    rows.press("ArrowRight")
    wait_for_time(rows, "0.10")
    with page.expect_download() as download:
        page.click("#csv")
    assert download.value.suggested_filename == "two.csv"
    head, *lines = download.value.path().read_text().splitlines()
    assert head == "frame,seconds,face,label,reason,happy,surprise"
    assert len(lines) == 20
    assert lines[0].startswith("0,0,1,happy,,0.")


def test_the_keyboard_alone(open_page, happy):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    names = []
    for _ in range(4):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent"))
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
    assert names == ["Faces", "Report", "Choose a file", "Use the webcam"]
    page.keyboard.press("Shift+Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files({"name": "a.png", "mimeType": "image/png", "buffer": happy})
    wait_for_text(page, "#verdict", "^happy$")
    assert page.evaluate("document.activeElement.id") == "again"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "choose"


def test_a_phone_does_not_scroll_sideways(open_page, happy):
    page = open_page(PHONE)
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
    give(page, happy)
    wait_for_text(page, "#verdict", "^happy$")
    assert not page.evaluate(wide)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(open_page, scheme):
    page = open_page(color_scheme=scheme)
    contrast = page.evaluate(
        """() => {
        const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number)
          .map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b };
        const ratio = (a, b) => { const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
          return (high + 0.05) / (low + 0.05) };
        const style = (selector) => getComputedStyle(document.querySelector(selector));
        const [body, card] = [style("body").backgroundColor, style(".result").backgroundColor];
        return [ratio(style("body").color, body), ratio(style(".facts").color, body),
          ratio(style(".sure").color, card),
          ratio(style("#again").color, style("#again").backgroundColor),
          light(body)] }"""
    )
    *ratios, brightness = contrast
    assert min(ratios) >= 4.5
    assert (brightness > 0.5) == (scheme == "light")


def test_the_report_is_shut_in(open_page):
    page = open_page()
    page.click("[data-view=report]")
    heading = page.frame_locator("#report-frame").locator("h1")
    sync_api.expect(heading).to_have_text("origin null, SecurityError")
