"""Kiosks without a camera: real registrations, outboxes, signatures and uplinks, to try a gateway before buying any.

* TooManyKiosks    this machine cannot hold so many open files
"""

import heapq
import random
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from kiosk.asking import gateway_client
from kiosk.broker import Disconnected, Message, PahoConnection
from kiosk.clock import KioskClock, system_clock
from kiosk.identity import Identity
from kiosk.outbox import FILE, Outbox
from kiosk.registration import register, standing
from kiosk.uplink import Uplink
from protocol.messages import Receipt
from protocol.records import KioskRecord
from protocol.registration import BrokerAccount
from protocol.wire import new_id
from tandem.control import Act

SCANNERS = 8
"""Threads that scan; what they wait for is the disk."""
FILES = 10
"""Open files of a kiosk: its outbox, its connection, its alarm."""
PATIENCE = 90.0
"""Seconds that the last records get to arrive."""
LOOK = 0.2
"""Seconds between two looks at the figures."""

Scan = Callable[[UUID, int], KioskRecord]
"""Makes the record of a stream and number."""


class TooManyKiosks(Exception):
    """This machine does not allow so many open files: simulate fewer kiosks, or raise `ulimit -n`."""


def strangers_badge(clock: KioskClock, room: str) -> Scan:
    """Make what a kiosk records when somebody shows a badge that nobody issued: it is kept and credits nobody."""

    def scan(stream: UUID, seq: int) -> KioskRecord:
        return KioskRecord(
            id=UUID(new_id()), stream=stream, seq=seq, at=clock.now(), monotonic_ms=int(clock.monotonic() * 1000),
            boot=clock.boot, clock=clock.state(), method="static_badge", room=room, badge=f"{seq:032x}",
            refused="unknown_badge",
        )  # fmt: skip

    return scan


class Network:
    """What all simulated kiosks hang on; it can be away."""

    def __init__(self) -> None:
        self.there = True

    def connect(self, account: BrokerAccount, subscribe: Sequence[str]) -> PahoConnection:
        """Reach the broker; raises Disconnected, always while the network is away."""
        if not self.there:
            raise Disconnected("the network is away")
        return _Line(self, account, subscribe)


class _Line(PahoConnection):
    """A connection that breaks when the network goes."""

    def __init__(self, network: Network, account: BrokerAccount, subscribe: Sequence[str]) -> None:
        self._network = network
        super().__init__(account, subscribe)

    def publish(self, topic: str, payload: bytes) -> None:
        self._assert_there()
        super().publish(topic, payload)

    def wait(self, seconds: float) -> list[Message]:
        self._assert_there()
        return super().wait(seconds)

    def _assert_there(self) -> None:
        if not self._network.there:
            raise Disconnected("the network is away")


class TimedOutbox(Outbox):
    """An outbox that knows how long each record has waited for its receipt."""

    def __init__(self, path: Path, *, stream: UUID) -> None:
        super().__init__(path, stream=stream)
        self.waits: list[float] = []
        """Seconds from scan to receipt, of each record that has one."""
        self.rejected: set[int] = set()
        self._since: dict[int, float] = {}

    def put(self, make: Callable[[int], KioskRecord]) -> KioskRecord:
        """Keep a record; its time runs from before the disk has it."""
        begun = time.monotonic()

        def timed(seq: int) -> KioskRecord:
            # Noted before the commit: right after it the receipt may be there.
            self._since[seq] = begun
            return make(seq)

        return super().put(timed)

    def delivered(self, receipt: Receipt, *, at: datetime) -> bool:
        """Mark what the gateway has, and how long it took."""
        news, now = super().delivered(receipt, at=at), time.monotonic()
        if news:
            self.rejected |= {rejected.seq for rejected in receipt.rejected}
            alone = self.rejected | set(receipt.extra)
            landed = [seq for seq in list(self._since) if seq <= receipt.upto or seq in alone]
            self.waits += [now - self._since.pop(seq) for seq in landed]
        return news

    def waiting(self) -> tuple[int, float | None]:
        """Say how many records wait, and since when the first does (by the monotonic clock)."""
        times = list(self._since.values())
        return len(times), min(times, default=None)


class SimulatedKiosk:
    """A kiosk that is nothing but its outbox and its uplink."""

    def __init__(
        self,
        identity: Identity,
        folder: Path,
        *,
        scan: Scan,
        now: Callable[[], datetime],
        network: Network,
        uplink: Callable[..., Uplink] = Uplink,
    ) -> None:
        self._scan, self._network = scan, network
        self.connections = 0
        self.outbox = TimedOutbox(folder / FILE, stream=identity.stream)
        self.uplink = uplink(
            identity,
            self.outbox,
            account=lambda: identity.account,
            now=now,
            connect=self._connect,
        )

    def scan(self) -> KioskRecord:
        """Record a check-in, and have it sent."""
        record = self.outbox.put(lambda seq: self._scan(self.outbox.stream, seq))
        self.uplink.wake()
        return record

    def _connect(self, account: BrokerAccount, subscribe: Sequence[str]) -> PahoConnection:
        line = self._network.connect(account, subscribe)
        self.connections += 1
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the kiosks of a fleet stand."""

    kiosks: int
    connected: int
    scans: int
    receipted: int
    waiting: int
    """Records without a receipt."""
    rejected: int
    """Records that the gateway keeps and cannot enter."""
    oldest_seconds: float | None
    """Since the scan of the record that waits longest."""
    p50_ms: float | None
    """From scan to receipt, as the next two."""
    p95_ms: float | None
    p99_ms: float | None
    reconnects: int

    @property
    def complete(self) -> bool:
        """Say whether the gateway has every record."""
        return not (self.waiting or self.rejected)


class Fleet:
    """Simulated kiosks on one network."""

    def __init__(self, kiosks: Sequence[SimulatedKiosk], network: Network, *, seed: int | None = None) -> None:
        self.kiosks, self.network = kiosks, network
        self._chance = random.Random(seed)
        self._stopping = threading.Event()
        self._scanners: list[threading.Thread] = []

    def connect(self) -> None:
        """Let every kiosk reach for the broker."""
        for kiosk in self.kiosks:
            kiosk.uplink.start()

    def start_scanning(self, rate: float) -> None:
        """Scan at every kiosk so many times a second, at random moments."""
        seeds = [self._chance.random() for _ in range(min(SCANNERS, len(self.kiosks)))]
        self._scanners = [
            threading.Thread(target=self._scan, args=(self.kiosks[n::SCANNERS], rate, random.Random(seed)), name="scan")
            for n, seed in enumerate(seeds)
        ]
        for scanner in self._scanners:
            scanner.start()

    def stop_scanning(self) -> None:
        """Scan no more; what waits goes on being sent."""
        self._stopping.set()
        for scanner in self._scanners:
            scanner.join()

    def close(self) -> None:
        """Leave the broker and close the outboxes."""
        self.stop_scanning()
        # All are told before the first is waited for.
        leaving = [threading.Thread(target=kiosk.uplink.stop) for kiosk in self.kiosks]
        for thread in leaving:
            thread.start()
        for thread in leaving:
            thread.join()
        for kiosk in self.kiosks:
            kiosk.outbox.close()

    def figures(self) -> Figures:
        """Say how things stand now."""
        waits = sorted(wait for kiosk in self.kiosks for wait in list(kiosk.outbox.waits))
        standing = [kiosk.outbox.waiting() for kiosk in self.kiosks]
        oldest = min((since for _, since in standing if since is not None), default=None)
        waiting = sum(count for count, _ in standing)
        return Figures(
            kiosks=len(self.kiosks),
            connected=sum(kiosk.uplink.connected for kiosk in self.kiosks),
            scans=len(waits) + waiting,
            receipted=len(waits),
            waiting=waiting,
            rejected=sum(len(kiosk.outbox.rejected) for kiosk in self.kiosks),
            oldest_seconds=None if oldest is None else round(time.monotonic() - oldest, 1),
            p50_ms=_percentile(waits, 0.5),
            p95_ms=_percentile(waits, 0.95),
            p99_ms=_percentile(waits, 0.99),
            reconnects=sum(max(0, kiosk.connections - 1) for kiosk in self.kiosks),
        )

    def _scan(self, kiosks: Sequence[SimulatedKiosk], rate: float, chance: random.Random) -> None:
        due = [(time.monotonic() + chance.expovariate(rate), number) for number in range(len(kiosks))]
        heapq.heapify(due)
        while not self._stopping.wait(max(0.0, due[0][0] - time.monotonic())):
            at, number = due[0]
            kiosks[number].scan()
            heapq.heapreplace(due, (at + chance.expovariate(rate), number))


def allow_files(kiosks: int) -> None:
    """Let this process hold the files of so many kiosks open; raises TooManyKiosks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = kiosks * FILES + 256
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise TooManyKiosks(f"{TooManyKiosks.__doc__} ({kiosks} kiosks need {needed}, and {hard} are allowed)")
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


@dataclass(frozen=True, slots=True)
class Site:
    """The gateway that is tried: what reaches its ledger, its address, and the room in which the kiosks stand."""

    acts: Act
    gateway: str
    room: str


@contextmanager
def opened(site: Site, folder: Path, kiosks: int, told: Callable[[int], object]) -> Iterator[Fleet]:
    """Register kiosks and let them connect, and revoke them when the block ends; `told` hears how many there are."""
    allow_files(kiosks)
    clock, network = system_clock(), Network()
    made: list[SimulatedKiosk] = []
    # They leave before they are revoked.
    with ExitStack() as revoking, closing(Fleet(made, network)) as fleet:
        for number in range(1, kiosks + 1):
            own = folder / str(number)
            identity = _registered(site, own, number, clock, revoking)
            scan = strangers_badge(clock, site.room)
            made.append(SimulatedKiosk(identity, own, scan=scan, now=clock.now, network=network))
            told(number)
        fleet.connect()
        yield fleet


def _registered(site: Site, folder: Path, number: int, clock: KioskClock, revoking: ExitStack) -> Identity:
    """Register a kiosk as a technician and an admin would: over HTTP, and by the fingerprint."""
    code = site.acts("device code", room=site.room)["code"]
    identity = register(site.gateway, code, name=f"simulated {number}", data_dir=folder)
    revoking.callback(site.acts, "device revoke", device=identity.device)
    site.acts("device confirm", device=identity.device, fingerprint=identity.fingerprint)
    with gateway_client(site.gateway) as client:
        return standing(identity, client, at=clock.now())


def run(
    fleet: Fleet,
    *,
    rate: float,
    seconds: float,
    offline: tuple[float, float] | None,
    told: Callable[[Figures], object],
    patience: float = PATIENCE,
) -> Figures:
    """Scan for some seconds, wait until the gateway has everything, and say how it went; `told` hears of it on the way.

    The network is away between the two moments of `offline`, in seconds from the beginning.
    """
    begun = time.monotonic()
    fleet.start_scanning(rate)
    while (passed := time.monotonic() - begun) < seconds:
        fleet.network.there = not (offline and offline[0] <= passed < offline[1])
        told(fleet.figures())
        time.sleep(LOOK)
    fleet.stop_scanning()
    fleet.network.there = True
    end = time.monotonic() + patience
    while (figures := fleet.figures()).waiting and time.monotonic() < end:
        told(figures)
        time.sleep(LOOK)
    return figures


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 1)
