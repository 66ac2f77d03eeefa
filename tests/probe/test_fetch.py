"""Downloads without curl, from a server on this machine."""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from probe.pod import Pod
from rp.health.asked import Asked


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Range")))  # type: ignore[attr-defined]
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/data")
            self.end_headers()
            return
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            if self.path == "/slow":
                for _ in range(200):
                    self.wfile.write(b"x" * 1000)
                    time.sleep(0.1)
            else:
                self.wfile.write(b"x" * 3_000_000)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.seen = []  # type: ignore[attr-defined]
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def fetched(pod: Pod, server: ThreadingHTTPServer, page: str, tool: str) -> tuple[str, dict[str, str]]:
    if tool == "python3":
        pod.add_python()
    else:
        if shutil.which("wget") is None:
            pytest.skip("no wget here")
        pod.link("wget")
    asked = Asked(speed_test_url=f"http://127.0.0.1:{server.server_port}{page}")
    section = pod.run("basic", asked, parts=("dl_own",))["dl_own"]
    return section.status, dict(re.findall(r"(\w+)=(\S+)", section.lines[0]))


@pytest.mark.parametrize("tool", ["python3", "wget"])
def test_speed(pod: Pod, server: ThreadingHTTPServer, tool: str) -> None:
    status, facts = fetched(pod, server, "/moved", tool)
    assert (status, facts["via"], facts["bytes"]) == ("0", tool, "3000000")
    assert int(facts["bps"]) > 0
    assert float(facts["total"]) < 60
    if tool == "python3":
        assert (facts["code"], facts["ip"]) == ("200", "127.0.0.1")
        assert server.seen == [("/moved", "bytes=0-99999999"), ("/data", "bytes=0-99999999")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("tool", ["python3", "wget"])
def test_a_slow_source_is_left_when_the_time_is_up(pod: Pod, server: ThreadingHTTPServer, tool: str) -> None:
    status, facts = fetched(pod, server, "/slow", tool)
    assert status == "28"
    assert 0 < int(facts["bytes"]) < 200_000
    assert int(facts["bps"]) < 50_000


@pytest.mark.parametrize("tool", ["python3", "wget"])
def test_a_page_that_is_not_there(pod: Pod, server: ThreadingHTTPServer, tool: str) -> None:
    status, facts = fetched(pod, server, "/missing", tool)
    if tool == "python3":
        assert (status, facts["code"]) == ("0", "404")
    else:
        assert status == facts["rc"] == "8"


def test_nobody_there(pod: Pod) -> None:
    pod.add_python()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    port = server.server_port
    server.server_close()
    section = pod.run("basic", Asked(speed_test_url=f"http://127.0.0.1:{port}/"), parts=("dl_own",))["dl_own"]
    assert section.status == "7"
    assert section.lines[0].startswith("via=python3 code=000 ")
    assert "refused" in section.lines[1]
