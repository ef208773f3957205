"""A browser: its cookies, its language, its forms."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from flask import Response, request
from werkzeug.exceptions import BadRequest

from attendance.reasons import Language
from gateway.accounts import SIGNED_IN
from gateway.texts import LANGUAGES

FIELD = "form"
"""The hidden field that shows that a form came from one of our pages."""
LANGUAGE = "tandem_language"


@dataclass(frozen=True, slots=True)
class Cookies:
    """What we keep in a browser; over TLS a name that other hosts and plain HTTP cannot set."""

    secure: bool

    @property
    def session(self) -> str:
        """Name the cookie of who has signed in."""
        return "__Host-tandem" if self.secure else "tandem"

    @property
    def visit(self) -> str:
        """Name the cookie that guards forms before anybody has signed in."""
        return "__Host-tandem_visit" if self.secure else "tandem_visit"

    def put(self, response: Response, name: str, value: str) -> None:
        """Set one of them."""
        response.set_cookie(name, value, max_age=SIGNED_IN, path="/", httponly=True, samesite="Lax", secure=self.secure)

    def drop(self, response: Response, name: str) -> None:
        """Take one of them back."""
        response.delete_cookie(name, path="/", httponly=True, samesite="Lax", secure=self.secure)


def session_token(cookies: Cookies) -> str:
    """Return the value of the cookie of who has signed in, or nothing."""
    return request.cookies.get(cookies.session, "")


def visit_token(cookies: Cookies) -> str:
    """Return what guards this browser's forms before somebody signs in, new if it has none."""
    return request.cookies.get(cookies.visit) or secrets.token_urlsafe(32)


def form_token(secret: str) -> str:
    """Derive what a form carries from what only this browser's cookie holds."""
    return hmac.digest(secret.encode(), b"tandem form", hashlib.sha256).hex()


def check_form(secret: str) -> None:
    """Raise BadRequest unless the form came from a page that we gave to this browser."""
    sent = request.form.get(FIELD, "")
    if not secret or not hmac.compare_digest(sent.encode(), form_token(secret).encode()):
        raise BadRequest("form_over")


def language() -> Language:
    """Choose the language: asked for, chosen before, preferred by the browser, English."""
    for wish in (request.args.get("lang"), request.cookies.get(LANGUAGE)):
        for known in LANGUAGES:
            if wish == known:
                return known
    return "zh" if (request.accept_languages.best_match(["en", "zh"], "en") or "").startswith("zh") else "en"


def remember_language(response: Response, *, secure: bool) -> None:
    """Keep the language that was asked for."""
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie(
            LANGUAGE, request.args["lang"], max_age=365 * 86400, path="/", httponly=True, samesite="Lax", secure=secure
        )
