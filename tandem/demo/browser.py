"""A person's browser: it keeps cookies, and fills in the forms of the pages it is given."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2

FORM = re.compile(r'name="form" value="(\w+)"')
Files = Mapping[str, tuple[str, bytes, str]]
"""Field -> file name, content, media type."""


class PageRefused(Exception):
    """A page of the gateway did not do what the sample day wanted; its status and address follow."""


class Browser:
    """One person's cookies, over real HTTP."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, timeout=10)

    def get(self, path: str) -> httpx2.Response:
        """Open a page, and go where it sends us."""
        return self._client.get(path, follow_redirects=True)

    def status(self, path: str) -> int:
        """Open a page and say only whether it was a yes or a no."""
        return self.get(path).status_code

    def submit(self, path: str, *, page: str | None = None, files: Files | None = None, **fields: str) -> str:
        """Send the form of a page (by default the one at the same address); return where it leads."""
        shown = self.get(page or path)
        found = FORM.search(shown.text)
        if not found:
            raise PageRefused(f"{shown.status_code} at {page or path}: there is no form")
        answer = self._client.post(path, data={"form": found[1], **fields}, files=files)
        if not answer.is_redirect:
            raise PageRefused(f"{answer.status_code} at {path}")
        return urlsplit(answer.headers["location"]).path

    def close(self) -> None:
        """Close the window."""
        self._client.close()
