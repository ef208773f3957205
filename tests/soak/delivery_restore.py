"""A ledger that goes back 5,000 records under its kiosks: `make soak-delivery`."""

from pathlib import Path

import pytest

from tests.tandem.restored import lost_by_a_restore

pytestmark = pytest.mark.enable_socket

KIOSKS, BEFORE, AFTER = 5, 1000, 1000


def test_five_kiosks_bring_back_the_five_thousand_records_that_a_backup_lacks(tmp_path: Path) -> None:
    lost = lost_by_a_restore(tmp_path, kiosks=KIOSKS, before=BEFORE, after=AFTER, patience=300)

    print(f"\n{KIOSKS * AFTER} green records after the backup, {len(lost)} lost", end="")
    assert lost == set()
