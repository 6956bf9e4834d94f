"""A page as a browser without scripts has it: its words, its links, and its forms to be filled in and sent."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import Any

import aiohttp

_VOID = frozenset({"input", "br", "meta", "link", "img", "hr"})


class Form:
    """A form: where it goes, and its fields as they stand. `buttons` are name and value of each that sends it."""

    def __init__(self, attributes: dict[str, str | None]) -> None:
        self.action = attributes.get("action") or ""
        self.method = (attributes.get("method") or "get").lower()
        self.multipart = attributes.get("enctype") == "multipart/form-data"
        self.fields: dict[str, str] = {}
        self.names: set[str] = set()
        self.buttons: list[tuple[str, str]] = []


class Page(HTMLParser):
    """A parsed page."""

    def __init__(self, status: int, text: str, headers: Any) -> None:
        super().__init__(convert_charrefs=True)
        self.status, self.source, self.headers = status, text, headers
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self._form: Form | None = None
        self._inside: list[str] = []
        self._select = self._area = ""
        self._chosen = False
        self.feed(text)
        self.close()

    @property
    def words(self) -> str:
        """What can be read on the page, with single spaces."""
        return " ".join("".join(self._words).split())

    def form(self, ending: str) -> Form:
        """Return the one form whose action ends so."""
        (found,) = (form for form in self.forms if form.action.partition("?")[0].endswith(ending))
        return found

    def has_form(self, ending: str) -> bool:
        """Return whether there is such a form."""
        return any(form.action.partition("?")[0].endswith(ending) for form in self.forms)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        self.elements.append((tag, of))
        if tag not in _VOID:
            self._inside.append(tag)
        if tag in ("p", "td", "th", "li", "h1", "h2", "h3", "dd", "dt", "br", "button", "option", "label"):
            self._words.append(" ")
        if tag == "a" and of.get("href"):
            self.links.append(str(of["href"]))
        if tag == "form":
            self._form = Form(of)
            self.forms.append(self._form)
        if self._form is None:
            return
        name, value = str(of.get("name") or ""), str(of.get("value") or "")
        if tag == "button":
            self._form.buttons.append((name, value))
        elif tag == "input" and name:
            self._form.names.add(name)
            if of.get("type") in ("checkbox", "radio"):
                if "checked" in of:
                    self._form.fields[name] = value or "on"
            elif of.get("type") != "file":
                self._form.fields[name] = value
        elif tag in ("select", "textarea") and name:
            self._form.names.add(name)
            self._form.fields[name] = ""
            self._chosen = False
            self._select, self._area = (name, "") if tag == "select" else ("", name)
        elif tag == "option" and self._select and ("selected" in of or not self._chosen):
            self._form.fields[self._select] = value
            self._chosen = True

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._inside[-1:] not in (["script"], ["style"]):
            self._words.append(data)
        if self._area and self._form is not None:
            self._form.fields[self._area] += data


async def look(session: aiohttp.ClientSession, path: str, **parameters: str) -> Page:
    """Return the page at `path`, wherever that leads."""
    async with session.get(path, params=parameters) as response:
        return Page(response.status, await response.text(), response.headers)


async def send(
    session: aiohttp.ClientSession, form: Form, *, file: tuple[str, bytes] | None = None, **fields: str
) -> Page:
    """Fill in a form and send it, as a browser without scripts does; return the page that it leads to."""
    unknown = set(fields) - form.names - {name for name, _ in form.buttons}
    assert not unknown, f"the form has no {unknown}"
    filled = {**form.fields, **fields}
    if form.method == "get":
        return await look(session, form.action, **filled)
    data: Any = filled
    if form.multipart:
        data = aiohttp.FormData(filled)
        if file is not None:
            data.add_field("file", io.BytesIO(file[1]), filename=file[0], content_type="application/octet-stream")
    async with session.post(form.action, data=data) as response:
        return Page(response.status, await response.text(), response.headers)
