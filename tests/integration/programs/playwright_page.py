"""Playwright's synchronous API with Chromium: a page on loopback, filled in, clicked and asked for its state."""

import functools
import http.server
import sys
import tempfile
import threading
from pathlib import Path

import witness
from playwright.sync_api import Error, TimeoutError, sync_playwright

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PAGE = """<!doctype html>
<title>Counter</title>
<link rel="icon" href="data:,">
<input id="name"><button onclick="count()">Count</button><p id="out"></p>
<script>
  let clicks = 0
  function count() {
    clicks += 1
    setTimeout(() => { out.textContent = `${document.getElementById("name").value}: ${clicks}` }, 20)
  }
</script>
"""


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


def serve(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def use(page, url):
    heard = []
    page.on("console", lambda message: heard.append(message.text))
    page.goto(url)
    page.fill("#name", "plait")
    for _ in range(3):
        page.click("button")
    page.wait_for_function("out.textContent == 'plait: 3'")
    page.evaluate("console.log('heard')")
    return {
        "title": page.title(),
        "text": page.text_content("#out"),
        "sum": page.evaluate("numbers => numbers.reduce((a, b) => a + b)", list(range(100))),
        "heard": heard,
        "missing": refused(lambda: page.click("#missing", timeout=50), TimeoutError),
        "thrown": refused(lambda: page.evaluate("() => { throw new RangeError('thrown') }"), Error),
    }


def refused(action, expected):
    try:
        action()
    except expected:
        return True
    return False


def main(chromium):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.html").write_text(PAGE)
        server = serve(folder)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS, headless=True)
            results = use(browser.new_page(), f"http://127.0.0.1:{server.server_port}/")
            browser.close()
        server.shutdown()
        server.server_close()
    return results


if __name__ == "__main__":
    witness.report(**main(sys.argv[1]))
