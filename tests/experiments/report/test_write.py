import base64
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from mien.errors import MienError
from mien.experiments.report import build_report, read_results, write_pages, write_report
from mien.experiments.report.schema import to_plain
from mien.experiments.report.write import (
    Verbatim,
    escape_markdown,
    fence_code,
    read_script,
    render_html,
    render_markdown,
)

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags nest."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.texts = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def find(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_page_stands_alone_and_is_accessible(results):
    page = Page(render_html(build_report(results)))
    names = {tag for tag, _ in page.tags}
    assert not names & {"link", "iframe", "object", "embed", "base", "form"}
    assert page.find("script") == [{}]
    assert page.texts.count(read_script()) == 1
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href"):
            if name in attributes:
                assert attributes[name].startswith(("data:image/", "#"))
    assert all("scope" in head for head in page.find("th"))
    assert all(image["alt"] for image in page.find("img"))
    for drawing in page.find("svg"):
        assert drawing.get("aria-label") or drawing.get("aria-hidden") == "true"
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = {attributes["href"][1:] for attributes in page.find("a")}
    assert links <= set(identifiers)
    assert {"#" + symbol["id"] for symbol in page.find("symbol")} == {
        use["href"] for use in page.find("use")
    }
    assert page.find("html") == [{"lang": "en"}]


def test_twins_say_the_same(results):
    report = build_report(results)
    text = " ".join("".join(Page(render_html(report)).texts).split())
    markdown = render_markdown(report)
    for sentence in (report.headline.sentence, *report.sentences, *report.warnings):
        assert " ".join(sentence.split()) in text
        assert escape_markdown(sentence) in markdown


def test_markdown_tables_have_as_many_cells_as_columns(results):
    blocks = [[]]
    for line in render_markdown(build_report(results)).splitlines():
        if line.startswith("|"):
            blocks[-1].append(line.replace("\\|", "").count("|"))
        elif blocks[-1]:
            blocks.append([])
    tables = [block for block in blocks if block]
    assert tables
    assert all(len(set(block)) == 1 and len(block) >= 3 for block in tables)


def test_hostile_names_are_harmless(build_results):
    results = build_results("hostile")
    name = results["dataset"]["classes"][0]
    assert name == '<script>alert("1")</script>'
    results["dataset"]["source"] = '"><img src=x onerror=alert(1)>'
    results["dataset"]["samples"][0]["caption"] = "<b>bold</b>"
    results["protocol"]["warnings"] = [name]
    results["models"]["cnn"]["title"] = name
    results["command"] = "mien ``` compare </pre><script>"
    report = build_report(results)
    html, markdown = render_html(report), render_markdown(report)
    page = Page(html)
    assert name in page.texts
    assert page.find("script") == [{}]
    assert len(page.find("img")) == len(results["dataset"]["samples"])
    assert not [a for _, a in page.tags if any(key.startswith("on") for key in a)]
    assert "<script>" not in markdown.replace(results["command"], "")
    assert f"````\n{results['command']}\n````" in markdown


def test_page_lets_its_own_script_run_and_no_other(build_results):
    page = Page(render_html(build_report(build_results("complete"))))
    [rules] = (meta["content"] for meta in page.find("meta") if "http-equiv" in meta)
    digest = base64.b64encode(hashlib.sha256(read_script().encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in rules
    assert "unsafe-inline" not in rules.replace("style-src 'unsafe-inline'", "")
    assert "</" not in read_script()


def test_values_of_a_page_cannot_start_a_template(build_results):
    results = build_results()
    results["dataset"]["name"] = "{{ 7 * 7 }}{% raw %}"
    assert "{{ 7 * 7 }}{% raw %}: 2 models compared" in render_html(build_report(results))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", r"a\|b"),
        ("<b> & *c* `d`", r"&lt;b> & \*c\* \`d\`"),
        ("&lt; < 0.001", "&amp;lt; < 0.001"),
        ("# a", r"\# a"),
        ("> a", r"\> a"),
        ("- a", r"\- a"),
        ("-1", "-1"),
        ("1. a", r"1\. a"),
        ("patch_hog", "patch_hog"),
        ("_private_", r"\_private\_"),
        ("[a](b)", r"\[a\](b)"),
        ("one\n# two", "one # two"),
    ],
)
def test_markdown_is_escaped(text, expected):
    assert escape_markdown(text) == expected


def test_verbatim_text_is_left_and_fences_hold():
    assert escape_markdown(Verbatim("a|b")) == "a|b"
    assert fence_code("x") == "```\nx\n```"
    assert fence_code("a ```` b") == "`````\na ```` b\n`````"


def test_three_files_are_written_and_read_back(build_results, tmp_path):
    results = build_results("official")
    out = tmp_path / "deep" / "run"
    write_report(results, out)
    assert sorted(path.name for path in out.iterdir()) == [
        "report.html",
        "report.md",
        "results.json",
    ]
    assert read_results(out / "results.json") == to_plain(results)


def test_pages_alone_leave_the_results_as_they_are(build_results, tmp_path):
    write_report(build_results(), tmp_path)
    (tmp_path / "results.json").write_text("mine")
    write_pages(build_results("seven"), tmp_path)
    assert (tmp_path / "results.json").read_text() == "mine"
    assert "118 persons" in (tmp_path / "report.md").read_text()


def test_lists_in_strings_are_left_alone(build_results, tmp_path):
    results = build_results()
    results["command"] = "mien compare [ 1 ] '[\n 1\n]'"
    write_report(results, tmp_path)
    text = (tmp_path / "results.json").read_text()
    assert json.loads(text)["command"] == results["command"]
    assert max(len(line) for line in text.splitlines() if '"indices"' in line) > 40


def test_report_is_replaced_whole_or_not_at_all(build_results, tmp_path, monkeypatch):
    write_report(build_results(), tmp_path)
    before = (tmp_path / "report.html").read_text()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(MienError, match="No space left on device"):
        write_report(build_results("seven"), tmp_path)
    assert (tmp_path / "report.html").read_text() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_wrong_results_write_nothing(tmp_path):
    with pytest.raises(MienError, match="Expected results"):
        write_report({"schema": "mien.results/1"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folder_that_is_a_file_is_refused(build_results, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(MienError, match="cannot be written"):
        write_report(build_results(), tmp_path / "out")


def render_as_github(markdown):
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return Page(parser.render(markdown))


def test_markdown_is_read_as_it_was_meant(results, list_tables):
    report = build_report(results)
    page = render_as_github(render_markdown(report))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not {"img", "a", "blockquote", "s", "em"} & {tag for tag, _ in page.tags}
    texts = {" ".join(text.split()) for text in page.texts}
    for name in results["dataset"]["classes"]:
        assert name in texts
    shown = [table for table in list_tables(report) if table.caption != "The fold"]
    assert len(page.find("table")) == len(shown)
    assert len(page.find("th")) == sum(len(table.columns) for table in shown)
