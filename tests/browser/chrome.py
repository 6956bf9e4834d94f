"""Debian's Chromium, and people who look at pages with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from .world import PASSWORD

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = ("serious", "critical")

Scheme = Literal["light", "dark"]


def chromium() -> str | None:
    """Where Chromium is, if it is installed."""
    return which("chromium") or next((path for path in ("/usr/bin/chromium",) if Path(path).exists()), None)


@contextlib.contextmanager
def launched(path: str) -> Iterator[Browser]:
    """Yield a browser without a window. Each context has cookies of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody with a browser context of their own.

    `faults` are what the browser complained of: errors of scripts, and what the page's own policy forbade.
    `elsewhere` are addresses of other hosts that were asked for anything.
    """

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.context = context
        self.home = home
        self.faults: list[str] = []
        self.elsewhere: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda asked: self._asked(asked.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self.home}/", "data:")):
            self.elsewhere.append(url)

    def goes(self, path: str) -> Page:
        """Open a page of the gate."""
        self.page.goto(f"{self.home}{path}")
        return self.page

    def signs_in(self, name: str, password: str = PASSWORD, onward: str = "/console") -> Page:
        """Ask for a page, and sign in on the form that comes in its place."""
        page = self.goes(onward)
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        return page


@contextlib.contextmanager
def visitor(browser: Browser, home: str, *, scripts: bool = True, scheme: Scheme = "light") -> Iterator[Visitor]:
    """Yield a visitor with nothing kept from anybody else's visit."""
    context = browser.new_context(
        java_script_enabled=scripts, color_scheme=scheme, viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(60_000)
    try:
        yield Visitor(context, home)
    finally:
        context.close()


def hindrances(page: Page, *, scheme: Scheme) -> list[str]:
    """Return what axe finds serious or critical on the page, in light or dark.

    In the dark only what hangs on colours is looked at: the rest is the same.
    """
    page.emulate_media(color_scheme=scheme)
    only: dict[str, Any] = {"type": "tag", "values": WCAG}
    if scheme == "dark":
        only = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
    found = Axe().run(page, options={"runOnly": only, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{page.url} ({scheme}): {each['id']}: {each['help']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]
