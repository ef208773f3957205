"""The kiosk's clock: wall time, monotonic time, and how far the wall time can be trusted."""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

ClockState = Literal["synced", "free_running", "unknown"]
Clock = Callable[[], datetime]

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BATTERY_CLOCK = Path("/sys/class/rtc/rtc0")
SYNCED_SINCE_BOOT = Path("/run/systemd/timesync/synchronized")
STA_UNSYNC = 0x0040


@dataclass(frozen=True, slots=True, kw_only=True)
class KioskClock:
    """Everything that a record says about its time."""

    now: Clock
    monotonic: Callable[[], float]
    boot: UUID
    state: Callable[[], ClockState]

    def boot_began_at(self) -> datetime:
        """Say when the monotonic clock read zero; that is as true as the wall clock is now."""
        return self.now() - timedelta(seconds=self.monotonic())


def system_clock() -> KioskClock:
    """Read the machine's own clock."""
    return KioskClock(
        now=lambda: datetime.now(UTC),
        # The one that goes on while the machine sleeps.
        monotonic=lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        boot=UUID(BOOT_ID.read_text().strip()),
        state=system_state,
    )


def system_state() -> ClockState:
    """Say what stands behind the wall clock: time servers, a battery since then, or nothing."""
    if _is_disciplined():
        return "synced"
    # Without a battery, as on a Raspberry Pi, the clock starts each time where it stopped; that is not a time.
    return "free_running" if SYNCED_SINCE_BOOT.exists() or BATTERY_CLOCK.exists() else "unknown"


class _Timex(ctypes.Structure):
    """The head of the kernel's `struct timex`; what follows it is only room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def _is_disciplined() -> bool:
    """Ask the kernel, which knows whichever program keeps the time; it gives up once the error may be 16 s."""
    answer = _Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(answer)) == -1:
        return False
    return not answer.status & STA_UNSYNC
