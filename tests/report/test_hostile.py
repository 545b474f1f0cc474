"""Everything a run's files can say against the page: markup, templates, floods, broken bytes, megabytes, in HTML and PDF."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest
from pypdf import PdfReader

from rldk_tui.comparison import compare
from rldk_tui.comparison.prose import as_text
from rldk_tui.report.build import ReportPaths, build_report
from rldk_tui.report.comparison.build import build_comparison
from rldk_tui.session import RunHealth, RunSession
from tests.report.runs import HOSTILE, hostile
from tests.report.test_page import Page
from tests.report.test_pdf import needs_pango

MEGABYTE = 1024 * 1024
BILLION_LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
FORBIDDEN = {"script", "img", "link", "iframe", "object", "embed", "base", "form", "image", "use", "foreignobject"}


class Listener:
    """A server that writes down what it is asked for."""

    def __init__(self) -> None:
        asked = self.asked = list[str]()

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(404)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def texts(url: str, secret: Path) -> list[str]:
    fetching = f'<link rel=stylesheet href="{url}/s.css"><img src="{url}/i.png"><style>@import url({url}/c.css)</style>'
    return [
        HOSTILE,
        fetching,
        f'"><object data="file://{secret}"></object><a rel=attachment href="file://{secret}">x</a>',
        f"</p></article><svg><image href='{url}/v.png'/><use href='file://{secret}#a'/></svg>",
        "{{ config.__class__.__mro__ }}{% include '/etc/passwd' %}{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "&amp;" * 200_000 + "&#0;" * 1000 + "&#x202e;",
        BILLION_LAUGHS * 1000,
        "\x00" * 5000 + "\x1b]0;title\x07\x1b[2J",
        "a" * 10 * MEGABYTE,
        "word " * (10 * MEGABYTE // 5),
        "\u0301" * 100_000,
        "\ufeff\u200b\u2028\u2029\ufffe\U000e0041" * 1000,
        "日本語 😀 العربية ﷽ 👩‍👩‍👧‍👦",
    ]


def written(folder: Path, url: str) -> Path:
    """A run directory of which every file is hostile."""
    run = folder / "run"
    (run / "completions").mkdir(parents=True)
    secret = folder / "secret.txt"
    secret.write_text("SECRET-OF-THE-DISK")
    said = texts(url, secret)
    table = {"step": [5] * len(said), "prompt": said[::-1], "completion": said, "reward": [float(i) for i in range(len(said))]}
    pl.DataFrame(table).write_parquet(run / "completions" / "completions_00005.parquet")
    history = [{"step": step, "loss": 1.0 / step, "reward": 0.1 * step, HOSTILE[:90]: float(step)} for step in range(1, 9)]
    state = {"global_step": 8, "max_steps": 8, "log_history": history, "trial_name": HOSTILE}
    (run / "trainer_state.json").write_text(json.dumps(state))
    config = {"model_name": said[1], "beta": said[4], said[2][:60]: said[3], "learning_rate": "1e-5</script>"}
    start = {"type": "run_started", "time": time.time(), "schema_version": 1, "run_id": said[0], "algorithm": "grpo"}
    lines = [json.dumps({**start, "trainer": said[2], "model": said[1], "config": config, "host": said[0]}).encode()]
    lines.append(b'{"type":"metrics","time":1.0,"step":3,"values":{"\xff\xfe\xc3(": 1.0}}')
    lines.append(b'{"type":"run_described","time":1.0,"model":"caf\xe9 \xed\xa0\x80","config":{"prompt":"\xf0\x28\x8c\x28"}}')
    (run / "rldk").mkdir()
    (run / "rldk" / "events-rank00000.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return run


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


@pytest.fixture(scope="module")
def health(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> RunHealth:
    return RunSession(written(tmp_path_factory.mktemp("hostile"), listener.url)).poll()


@pytest.fixture(scope="module")
def report(health: RunHealth, tmp_path_factory: pytest.TempPathFactory) -> ReportPaths:
    return build_report(health, tmp_path_factory.mktemp("out"), pdf=True)


@needs_pango
def test_the_page_is_small_and_inert(report: ReportPaths) -> None:
    text = report.html.read_text(encoding="utf-8")
    assert len(text) < 3 * MEGABYTE
    page = Page(text)
    assert not {tag for tag, _ in page.elements} & FORBIDDEN
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not set(text) & {"\x00", "\x1b", "\x07", "\u202e", "\u200b", "\ufeff"}
    assert "SECRET-OF-THE-DISK" not in text
    assert "uid=" not in text
    assert "日本語" in text


@needs_pango
def test_report_json_is_strict_and_bounded(report: ReportPaths) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = report.json.read_bytes().decode("utf-8")
    json.loads(text, parse_constant=refuse)
    assert len(text) < 5 * MEGABYTE


@needs_pango
def test_the_pdf_shows_and_asks_nobody(report: ReportPaths, listener: Listener) -> None:
    assert report.pdf is not None
    pages = PdfReader(report.pdf).pages
    assert 2 < len(pages) < 40
    text = " ".join(page.extract_text() for page in pages)
    assert "SECRET-OF-THE-DISK" not in text
    assert not PdfReader(report.pdf).attachments
    assert "more characters" in text
    assert listener.asked == []


def test_a_comparison_of_hostile_runs_is_inert(health: RunHealth, tmp_path: Path) -> None:
    written = build_comparison(compare([health, hostile(), hostile()]), tmp_path, pdf=False, title=HOSTILE)
    text = written.html.read_text(encoding="utf-8")
    page = Page(text)
    assert not {tag for tag, _ in page.elements} & FORBIDDEN
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not set(text) & {"\x00", "\x1b", "\x07", "\u202e", "\u200b", "\ufeff"}
    json.loads(written.json.read_text(encoding="utf-8"))
    assert "\x1b" not in as_text(compare([health, hostile()]))
