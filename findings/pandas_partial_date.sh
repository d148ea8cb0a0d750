#!/usr/bin/env bash
# pandas 3.1.1 with xarray 2026.9.0: a long scenario held in seconds (datetime64[s]) can be plotted, compared and selected by an exact
# instant in any year from 1 to 9999, but not by a month or year as text, which is how a time series is usually cut. The end of
# the month is found by taking one nanosecond off the next, and nanoseconds end in 2262. Scenarios to 2300 (the end of many pathways
# of emissions) and historical records before 1678 meet it; `ds.sel(time=slice(...))` with two instants works.
#
# Seen: instant 2.0, instant [2.0, 3.0], 2250-01 [1.0], 2300-01 OutOfBoundsDatetime (cannot cast 2300-02-01 to unit='ns')
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 xarray==2026.9.0 numpy==2.4.6
found="$("$folder/env/bin/python" - <<'PY'
import numpy as np
import xarray as xr

years = np.array(["2250-01-01", "2300-01-01", "2300-02-01"], dtype="datetime64[s]")
ds = xr.Dataset({"score": ("time", [1.0, 2.0, 3.0])}, {"time": years})
for said in (np.datetime64("2300-01-01"), slice(np.datetime64("2300-01-01"), None), "2250-01", "2300-01"):
    try:
        print(said if isinstance(said, str) else "instant", ds.sel(time=said)["score"].values.tolist())
    except Exception as error:
        print(said, type(error).__name__)
PY
)"
expected="instant 2.0
instant [2.0, 3.0]
2250-01 [1.0]
2300-01 OutOfBoundsDatetime"
echo "$found"
[ "$found" = "$expected" ] || { echo "another behaviour than seen" >&2; exit 1; }
