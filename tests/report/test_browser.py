"""The page in a real browser: nothing is asked for, nothing complains, nothing runs over the edge of a phone."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rldk_tui.report.build import build_report
from tests.report.runs import RUNS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def browse(page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    return subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={profile}", *options, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


@pytest.mark.parametrize("run", ["troubled", "hostile"])
def test_it_asks_for_nothing_and_complains_of_nothing(run: str, tmp_path: Path) -> None:
    page = build_report(RUNS[run](), tmp_path, pdf=False).html
    net_log = tmp_path / "net.json"
    done = browse(page, tmp_path / "profile", f"--log-net-log={net_log}", "--enable-logging=stderr", "--dump-dom")
    assert ":CONSOLE" not in done.stderr
    assert "</html>" in done.stdout
    assert not re.search(r"<(script|img|iframe|link)\b", done.stdout)
    asked = set(re.findall(r'"url":"([^"]+)"', net_log.read_text()))
    assert not [url for url in asked if "evil.test" in url]


@pytest.mark.parametrize("run", ["troubled", "hostile", "empty"])
def test_it_fits_a_phone(run: str, tmp_path: Path) -> None:
    """The page is framed at a phone's width; a frame that scrolls sideways would be wider than it is."""
    page = build_report(RUNS[run](), tmp_path, pdf=False).html
    probe = tmp_path / "probe.html"
    text = page.read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text, count=1)
    measure = "document.title = 'WIDTH ' + document.documentElement.scrollWidth + ' ' + document.documentElement.clientWidth"
    probe.write_text(text.replace("</body>", f"<script>{measure}</script></body>"), encoding="utf-8")
    done = browse(probe, tmp_path / "profile", "--window-size=500,900", "--dump-dom")
    widths = re.search(r"<title>WIDTH (\d+) (\d+)</title>", done.stdout)
    assert widths is not None
    assert int(widths[1]) <= int(widths[2])
