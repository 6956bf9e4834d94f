"""Waiting for what is done beside a page."""

from __future__ import annotations

import asyncio

import aiohttp

from console.html_page import Page, look


async def until_done(session: aiohttp.ClientSession, page: Page, seconds: float = 60.0) -> Page:
    """Load the page of a job, by its own link, until it no longer goes on."""
    async with asyncio.timeout(seconds):
        while "It goes on since" in page.words:
            (again,) = (link for link in page.links if "/job_" in link)
            await asyncio.sleep(0.02)
            page = await look(session, again)
    assert page.status == 200
    return page
