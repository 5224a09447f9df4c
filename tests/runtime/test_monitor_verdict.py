"""From bad windows to an alarm: which of the windows before count."""

from collections.abc import Sequence

import pytest
from mlfactory_runtime.monitor.verdict import Check, decided
from mlfactory_runtime.settings.monitor import Monitor


@pytest.mark.parametrize("windows", [1, 2, 3, 4, 5, 8, 30])
def test_the_last_windows_count_whatever_their_number(windows: int) -> None:
    """Beside a plain count, for every history of up to so many windows and one more."""
    check = Check("drift:x", "data", bad=True)
    for length in range(windows + 2):
        for bad in range(length + 1):
            earlier: Sequence[bool] = [k < bad for k in range(length)]
            counted = 1 + sum([*earlier][::-1][: windows - 1])
            for breaches in {1, min(2, windows), windows}:
                settings = Monitor(windows=windows, breaches=breaches)
                found = decided(check, earlier, settings)
                assert found.status == ("alarm" if counted >= breaches else "warning")
                assert not earlier or f"({counted} of the last " in found.message


def test_what_goes_on_does_not_stop_ringing() -> None:
    settings, check = Monitor(windows=5, breaches=3), Check("drift:x", "data", bad=True)
    states = [decided(check, [True] * k, settings).status for k in range(12)]
    assert states == ["warning", "warning", *["alarm"] * 10]
