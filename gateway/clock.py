"""Time is an argument: where a program starts, it says which clock it goes by."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
