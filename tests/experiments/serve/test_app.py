"""What is refused and how, what an answer carries, and that nothing is left behind."""

import json
import logging
import re
import socket
import time
from contextlib import ExitStack, contextmanager
from importlib import resources

import pytest

from mien.experiments.serve import uploads
from mien.experiments.serve.guard import list_names
from mien.experiments.serve.refusals import Refusal

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
MP4 = b"\0\0\0\x18ftypmp42" + bytes(600)


def told(answer):
    status, _, body = answer
    return status, json.loads(body)["reason"]


def wait_for(condition):
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came about")


class TestPage:
    def test_headers_of_every_answer(self, page):
        for method, path in [("GET", "/"), ("GET", "/static/page.js"), ("GET", "/nowhere"),
                             ("POST", "/api/picture"), ("GET", "/api/model")]:  # fmt: skip
            _, headers, _ = page.ask(method, path)
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert "http" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["access-control-allow-origin"] is None

    @pytest.mark.parametrize(
        ("name", "kind"),
        [("page.js", "text/javascript"), ("page.css", "text/css"), ("icon.svg", "image/svg+xml")],
    )
    def test_files_have_their_types(self, page, name, kind):
        status, headers, body = page.ask("GET", f"/static/{name}")
        assert status == 200
        assert headers["content-type"].startswith(kind)
        assert body == (resources.files("mien.experiments.serve") / "static" / name).read_bytes()

    @pytest.mark.parametrize("name", ["index.html", "../app.py", "..%2fapp.py", "%2e%2e/app.py"])
    def test_no_other_file_is_given(self, page, name):
        assert told(page.ask("GET", f"/static/{name}")) == (404, "not_found")

    def test_no_file_of_the_page_names_another_host(self):
        for file in (resources.files("mien.experiments.serve") / "static").iterdir():
            found = set(re.findall(rb"(?:https?:)?//[a-z][^\s\"'`]*", file.read_bytes()))
            assert found <= {b"http://www.w3.org/2000/svg"}, file.name

    def test_every_run_has_a_token_of_its_own(self, page, serve, stand_in):
        with serve(stand_in) as other:
            assert other.token != page.token
            assert len(page.token) >= 32


class TestOtherSites:
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:8765",
            "127.0.0.1.evil.example",
            "192.168.1.7",
            "localhost@evil.example",
            "",
            "[::1",
        ],
    )
    def test_another_name_is_refused(self, page, host):
        assert told(page.ask("GET", "/", host=host)) == (421, "forbidden")

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1", "[::1]:8765"])
    def test_names_of_this_machine(self, page, host):
        assert page.ask("GET", "/", host=host)[0] == 200

    def test_names_when_others_are_served(self):
        names = list_names("0.0.0.0")
        assert {"*", "localhost", "0.0.0.0", socket.gethostname().lower()} <= names
        assert "*" not in list_names("127.0.0.1")

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": "http://127.0.0.1:1"},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"},
            {"sec_fetch_site": "cross-site", "sec_fetch_dest": "document"},
        ],
    )
    @pytest.mark.parametrize("path", ["/api/picture", "/api/clip"])
    def test_another_origin_is_refused(self, page, path, headers):
        assert told(page.ask("POST", path, PNG, **headers)) == (403, "forbidden")
        assert page.recogniser.asked == []

    @pytest.mark.parametrize("token", [None, "", "wrong", "\xe9" * 43])
    @pytest.mark.parametrize("path", ["/api/model", "/api/picture", "/api/clip"])
    def test_the_token_is_needed(self, page, path, token):
        method = "GET" if path == "/api/model" else "POST"
        assert told(page.ask(method, path, token=token)) == (403, "forbidden")

    def test_a_link_to_the_page_works_and_embedding_does_not(self, page):
        link = {"sec_fetch_site": "cross-site", "sec_fetch_dest": "document"}
        assert page.ask("GET", "/", token=None, **link)[0] == 200
        assert page.ask("GET", "/static/page.js", token=None, **link)[0] == 403
        embedded = {"sec_fetch_site": "cross-site", "sec_fetch_dest": "iframe"}
        assert page.ask("GET", "/", token=None, **embedded)[0] == 403

    def test_its_own_page_is_answered(self, page):
        own = {"origin": f"http://127.0.0.1:{page.port}", "sec_fetch_site": "same-origin"}
        assert page.ask("POST", "/api/picture", PNG, **own)[0] == 200

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", "/api/picture"), ("POST", "/"), ("PUT", "/api/clip")]
    )
    def test_other_methods(self, page, method, path):
        assert told(page.ask(method, path)) == (405, "method_not_allowed")


class TestUploads:
    @pytest.mark.parametrize(
        ("path", "body", "expected"),
        [
            ("/api/picture", b"", (422, "unreadable")),
            ("/api/picture", b"hello, I am a text", (415, "unreadable")),
            ("/api/picture", b"text " * 100_000, (415, "unreadable")),
            ("/api/clip", b"", (422, "unreadable")),
            ("/api/clip", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", (415, "unreadable")),
            ("/api/clip", b"ffconcat version 1.0\nfile /etc/passwd\n" * 50, (415, "unreadable")),
        ],
    )
    def test_what_is_something_else(self, page, path, body, expected):
        assert told(page.ask("POST", path, body)) == expected
        assert page.recogniser.asked == []

    def test_a_picture_arrives_whole(self, page):
        body = PNG + bytes(range(256)) * 4000
        assert page.ask("POST", "/api/picture", body)[0] == 200
        assert page.recogniser.asked == [body]

    @pytest.mark.parametrize("path", ["/api/picture", "/api/clip"])
    def test_a_told_length_that_is_too_large(self, page, path):
        connection = page.connect()
        connection.putrequest("POST", path)
        connection.putheader("content-length", str(uploads.MAX_CLIP_BYTES + 1))
        connection.putheader("x-mien-token", page.token)
        connection.endheaders()
        answer = connection.getresponse()
        assert told((answer.status, None, answer.read())) == (413, "too_large")
        connection.close()

    @pytest.mark.parametrize(
        ("path", "start"), [("/api/picture", PNG), ("/api/clip", MP4)], ids=["picture", "clip"]
    )
    def test_more_than_is_allowed_without_a_told_length(self, page, monkeypatch, path, start):
        monkeypatch.setattr(uploads, "MAX_PICTURE_BYTES", 1 << 20)
        monkeypatch.setattr(uploads, "MAX_CLIP_BYTES", 1 << 20)
        body = start + bytes(1 << 20)
        connection = page.connect()
        connection.putrequest("POST", path)
        connection.putheader("transfer-encoding", "chunked")
        connection.putheader("x-mien-token", page.token)
        connection.endheaders(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        answer = connection.getresponse()
        assert told((answer.status, None, answer.read())) == (413, "too_large")
        connection.close()
        assert page.recogniser.asked == []

    def test_what_stops_arriving(self, page, monkeypatch):
        monkeypatch.setattr(uploads, "_STALLED_SECONDS", 0.05)
        connection = page.connect()
        connection.putrequest("POST", "/api/picture")
        connection.putheader("content-length", "1000")
        connection.putheader("x-mien-token", page.token)
        connection.endheaders(PNG)
        answer = connection.getresponse()
        assert told((answer.status, None, answer.read())) == (408, "stalled")
        connection.close()


class TestModel:
    def test_facts(self, page):
        status, _, body = page.ask("GET", "/api/model")
        assert status == 200
        facts = json.loads(body)
        assert facts["model"] == "stand-in"
        assert facts["report"] is False
        assert facts["limits"]["picture_bytes"] == uploads.MAX_PICTURE_BYTES

    def test_a_refusal_of_the_model(self, page):
        page.recogniser.failure = Refusal(422, "too_small", "Too small.", "Choose another.")
        status, _, body = page.ask("POST", "/api/picture", PNG)
        assert status == 422
        assert json.loads(body) == {
            "reason": "too_small", "message": "Too small.", "hint": "Choose another."
        }  # fmt: skip

    def test_a_failure_is_told_without_its_details(self, page, caplog):
        page.recogniser.failure = ValueError("secret /path")
        with caplog.at_level(logging.ERROR):
            status, headers, body = page.ask("POST", "/api/picture", PNG)
        assert (status, json.loads(body)["reason"]) == (500, "failed")
        assert b"secret" not in body
        assert headers["x-content-type-options"] == "nosniff"
        assert "secret /path" in caplog.text
        page.recogniser.failure = None
        assert page.ask("POST", "/api/picture", PNG)[0] == 200


def send_picture(page, body=PNG):
    """Send a picture without waiting for the answer; the server has it when this returns."""
    connection = page.connect()
    connection.request("POST", "/api/picture", body, {"x-mien-token": page.token})
    for _ in range(2):
        page.ask("GET", "/")
    return connection


class TestBusy:
    def test_a_ninth_picture_is_told_to_come_again(self, page):
        page.recogniser.free.clear()
        asking = [send_picture(page) for _ in range(8)]
        status, headers, body = page.ask("POST", "/api/picture", PNG)
        assert (status, json.loads(body)["reason"]) == (503, "busy")
        assert int(headers["retry-after"]) > 0
        page.recogniser.free.set()
        for connection in asking:
            assert connection.getresponse().status == 200
            connection.close()
        assert page.ask("POST", "/api/picture", PNG)[0] == 200

    def test_who_goes_away_is_not_answered(self, page):
        page.recogniser.free.clear()
        first = send_picture(page)
        wait_for(lambda: page.recogniser.asked)
        send_picture(page, PNG + b"gone").close()
        for _ in range(3):
            page.ask("GET", "/")
        page.recogniser.free.set()
        assert first.getresponse().status == 200
        first.close()
        assert page.ask("POST", "/api/picture", PNG + b"last")[0] == 200
        assert page.recogniser.asked == [PNG, PNG + b"last"]


@contextmanager
def watching_clip(page):
    """Send a clip and read its first line; go away at the end."""
    connection = page.connect()
    connection.request("POST", "/api/clip", MP4, {"x-mien-token": page.token})
    answer = connection.getresponse()
    assert answer.readline()
    yield answer
    answer.close()
    connection.close()


def many_frames():
    return ({"frame": i, "filler": "x" * 4000} for i in range(10**9))


class TestClips:
    def test_frames_come_as_lines(self, page):
        page.recogniser.frames = [*({"frame": i} for i in range(3)), {"done": 3}]
        body = MP4 + bytes(range(256)) * 1000
        status, headers, lines = page.ask("POST", "/api/clip", body, x_name="../../evil.mp4")
        assert status == 200
        assert headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line) for line in lines.splitlines()] == page.recogniser.frames
        ((path, content),) = page.recogniser.asked
        assert content == body
        assert page.folder in path.parents
        assert "evil" not in str(path)
        wait_for(lambda: not page.files())

    def test_a_clip_that_cannot_be_read_has_a_status(self, page):
        page.recogniser.frames = [Refusal(422, "unreadable", "No clip.")]
        assert told(page.ask("POST", "/api/clip", MP4)) == (422, "unreadable")
        wait_for(lambda: not page.files())

    def test_a_failure_in_the_middle_is_the_last_line(self, page, caplog):
        page.recogniser.frames = [{"frame": 0}, Refusal(422, "unreadable", "Cut short.")]
        _, _, lines = page.ask("POST", "/api/clip", MP4)
        assert json.loads(lines.splitlines()[-1])["error"]["message"] == "Cut short."
        page.recogniser.frames = [{"frame": 0}, RuntimeError("secret")]
        _, _, lines = page.ask("POST", "/api/clip", MP4)
        assert json.loads(lines.splitlines()[-1])["error"]["reason"] == "failed"
        assert b"secret" not in lines
        assert "secret" in caplog.text
        wait_for(lambda: not page.files())

    def test_pictures_are_answered_in_between(self, page):
        page.recogniser.frames = many_frames()
        with watching_clip(page):
            assert page.ask("POST", "/api/picture", PNG)[0] == 200
            assert not page.recogniser.clip_closed.is_set()

    def test_who_goes_away_ends_the_clip(self, page):
        page.recogniser.frames = many_frames()
        with watching_clip(page):
            assert page.files()
        assert page.recogniser.clip_closed.wait(20)
        wait_for(lambda: not page.files())

    def test_who_goes_away_while_sending_leaves_nothing(self, page):
        connection = page.connect()
        connection.putrequest("POST", "/api/clip")
        connection.putheader("content-length", "100000")
        connection.putheader("x-mien-token", page.token)
        connection.endheaders(MP4)
        wait_for(lambda: page.files())
        connection.close()
        wait_for(lambda: not page.files())

    def test_a_third_clip_is_told_to_come_again(self, page):
        page.recogniser.frames = many_frames()
        with watching_clip(page):
            page.recogniser.frames = many_frames()
            with watching_clip(page):
                assert told(page.ask("POST", "/api/clip", MP4)) == (503, "busy")
        page.recogniser.frames = [{"frame": 0}]
        wait_for(lambda: page.ask("POST", "/api/clip", MP4)[0] == 200)

    def test_the_end_of_the_page_waits_for_no_clip(self, serve, stand_in, monkeypatch, tmp_path):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        stand_in.frames = many_frames()
        with ExitStack() as stack:
            with serve(stand_in) as page:
                stack.enter_context(watching_clip(page))
            assert stand_in.closed.is_set()
            assert stand_in.clip_closed.is_set()
            assert list(tmp_path.iterdir()) == []


class TestReport:
    def test_it_is_shut_in(self, serve, stand_in):
        with serve(stand_in, report=b"<!doctype html><p>hello") as page:
            status, headers, body = page.ask("GET", "/report", token=None)
            assert (status, body) == (200, b"<!doctype html><p>hello")
            policy = headers["content-security-policy"]
            assert "sandbox allow-scripts" in policy
            assert "allow-same-origin" not in policy
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'self'" in policy
            assert json.loads(page.ask("GET", "/api/model")[2])["report"] is True

    def test_there_may_be_none(self, page):
        assert told(page.ask("GET", "/report")) == (404, "not_found")
