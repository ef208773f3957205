"""A learner archive behind an HTTP endpoint with a bearer key.

`POST <url>` with `{"records": [...]}` and an `Idempotency-Key`; the answer is 2xx with
`{"records": [{"id": ..., "status": "accepted" | "refused", "reason": ...}]}`, one item for each record.

After a time-out we do not read back but send again: the archive recognises a record by its id, and a batch that is
the same has the same key. Exactly-once is promised only because of that: an archive that does not look at ids
will count twice what it answered too late.
"""

import json
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from uuid import UUID, uuid5

import httpx2
from pydantic import BaseModel, ValidationError

from sync.archive import Accepted, Answer, Declined, Delivery, Misconfigured, Unanswered, Unavailable
from sync.outbound import Forbidden, Resolve, check_url, checked_addresses, resolve

NAMESPACE = UUID("b1c7f0f6-8a0e-5f5b-9d38-2a9f5d1b7c02")
"""Keys of batches are derived in it."""
WAIT = 10.0
"""Seconds, for the connection, for each read, and for the whole answer."""
MOST_BYTES = 1024 * 1024
MOST_REASON = 500
LONGEST_WAIT = timedelta(hours=24)
"""No Retry-After holds us back for longer."""
PAGE = 500

TRY_AGAIN = (408, 409, 425, 429)
READ_AND_REFUSED = (400, 413, 422)
"""The archive looked at the records and will not have them as they are."""


class _Item(BaseModel):
    id: UUID
    status: Literal["accepted", "refused"]
    reason: str | None = None


class _Answer(BaseModel):
    # Each item is read by itself, so that one that makes no sense does not take the others with it.
    records: list[Any]


class _Page(BaseModel):
    records: list[dict[str, Any]]
    next: str | None = None


class RestArchive:
    """Speaks to one endpoint; a connection lasts for one request, so that no dead one is ever reused."""

    kind = "rest"

    def __init__(
        self,
        name: str,
        url: str,
        key: str,
        *,
        clock: Callable[[], datetime],
        allow_hosts: Collection[str] = (),
        batch_limit: int = 100,
        wait: float = WAIT,
        resolve: Resolve = resolve,
    ) -> None:
        """Check the address; raises Misconfigured."""
        self.name, self.batch_limit = name, batch_limit
        self._url, self._key, self._clock = httpx2.URL(url), key, clock
        self._allowed, self._wait, self._resolve = frozenset(allow_hosts), wait, resolve
        self._tls = ssl.create_default_context()
        try:
            check_url(self._url, self._allowed)
        except Forbidden as error:
            raise Misconfigured(str(error)) from None

    def push(self, batch: Sequence[Delivery]) -> Sequence[Answer]:
        """Send the records and read an answer for each; raises ArchiveError."""
        content = json.dumps({"records": [one.to_json() for one in batch]}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key_of(batch)}
        status, body = self._ask("POST", self._url, headers=headers, content=content)
        if status in READ_AND_REFUSED:
            return self._refused(batch, status, body)
        return _read(body, {one.id for one in batch})

    def content(self) -> Iterable[dict[str, Any]]:
        """Read back what the archive holds, `GET <url>?limit=&after=`, for an archive that has this."""
        after = ""
        while True:
            _, body = self._ask("GET", self._url.copy_merge_params({"limit": PAGE, "after": after}))
            try:
                page = _Page.model_validate_json(body)
            except ValidationError:
                raise Unanswered("the archive's list of records cannot be read") from None
            yield from page.records
            if not page.next or page.next == after:
                return
            after = page.next

    def _refused(self, batch: Sequence[Delivery], status: int, body: bytes) -> Sequence[Answer]:
        """Find out which records are meant by asking with halves of the batch."""
        if len(batch) == 1:
            return [Declined(batch[0].id, f"HTTP {status}: {_words(body)}")]
        half = len(batch) // 2
        return [*self.push(batch[:half]), *self.push(batch[half:])]

    def _ask(
        self, method: str, url: httpx2.URL, *, headers: dict[str, str] | None = None, content: bytes | None = None
    ) -> tuple[int, bytes]:
        """Make one request to a checked address; raises ArchiveError for every answer that is none."""
        given = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", "User-Agent": "tandem"}
        given |= {"Host": url.netloc.decode("ascii"), **(headers or {})}
        failure: httpx2.ConnectError | httpx2.ConnectTimeout | None = None
        for address in self._addresses():
            # The name of the host stays in the certificate check and in the request; only the connection is pinned.
            request = {"headers": given, "content": content, "extensions": {"sni_hostname": url.host}}
            try:
                return self._exchange(method, url.copy_with(host=address), request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        if failure and "CERTIFICATE_VERIFY_FAILED" in str(failure):
            raise Misconfigured(f"the certificate of {url.host} is not good: {failure}")
        raise Unavailable(f"{url.host} cannot be reached: {failure}")

    def _addresses(self) -> Sequence[str]:
        try:
            return checked_addresses(self._url, self._allowed, resolve=self._resolve)
        except Forbidden as error:
            raise Misconfigured(str(error)) from None
        except OSError as error:
            raise Unavailable(f"{self._url.host} cannot be found: {error}") from None

    def _exchange(self, method: str, url: httpx2.URL, request: dict[str, Any]) -> tuple[int, bytes]:
        try:
            with (
                httpx2.Client(timeout=self._wait, verify=self._tls, trust_env=False, follow_redirects=False) as client,
                client.stream(method, url, **request) as response,
            ):
                self._check(response)
                return response.status_code, self._body(response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            raise
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            # From here on the request may have arrived.
            raise Unanswered(f"no answer: {type(error).__name__} {error}".strip()) from None

    def _check(self, response: httpx2.Response) -> None:
        status = response.status_code
        if 200 <= status < 300 or status in READ_AND_REFUSED:
            return
        if status in TRY_AGAIN or status >= 500:
            raise Unavailable(f"HTTP {status}", not_before=self._not_before(response.headers.get("Retry-After")))
        raise Misconfigured(f"HTTP {status} from {self._url.host}: correct address or key")

    def _body(self, response: httpx2.Response) -> bytes:
        body, until = b"", time.monotonic() + self._wait
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise Unanswered(f"the answer is longer than {MOST_BYTES} bytes")
            if time.monotonic() > until:
                raise Unanswered(f"the answer took longer than {self._wait:g} seconds")
        return body

    def _not_before(self, header: str | None) -> datetime | None:
        """Read a Retry-After in either form; what is neither is as if it was not there."""
        if not header:
            return None
        now, text = self._clock(), header.strip()
        if text.isascii() and text.isdigit():
            return now + min(LONGEST_WAIT, timedelta(seconds=int(text[:9])))
        try:
            told = parsedate_to_datetime(text)
        except ValueError:
            return None
        return min(now + LONGEST_WAIT, told.replace(tzinfo=told.tzinfo or UTC))


def key_of(batch: Iterable[Delivery]) -> str:
    """Derive the key of a batch from the records in it, whatever their order."""
    return str(uuid5(NAMESPACE, "\n".join(sorted(str(one.id) for one in batch))))


def _read(body: bytes, asked: Collection[UUID]) -> Sequence[Answer]:
    """Read the answers to what was asked; raises Unanswered when there are none."""
    try:
        items = _Answer.model_validate_json(body).records
    except ValidationError:
        raise Unanswered("the archive said yes without saying to which record") from None
    answers = [answer for item in items if (answer := _item(item)) and answer.id in asked]
    # Two different answers to one record are none.
    named: dict[UUID, set[Answer]] = {}
    for answer in answers:
        named.setdefault(answer.id, set()).add(answer)
    clear = [one for said in named.values() if len(said) == 1 for one in said]
    if not clear:
        raise Unanswered("the archive's answer names none of the records")
    return clear


def _item(item: Any) -> Answer | None:
    try:
        read = _Item.model_validate(item)
    except ValidationError:
        return None
    reason = _plain(read.reason or "no reason given")
    return Accepted(read.id) if read.status == "accepted" else Declined(read.id, reason)


def _words(body: bytes) -> str:
    return _plain(body.decode("utf-8", "replace")) or "no reason given"


def _plain(text: str) -> str:
    """Keep what can be printed in a line."""
    return "".join(one if one.isprintable() else " " for one in text)[:MOST_REASON].strip()
