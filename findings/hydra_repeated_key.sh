#!/usr/bin/env bash
# hydra-core 1.3.8: in an override whose value is a table, a name that stands twice is no error, and the last value is taken.
# A YAML loader that is strict about names, and a JSON schema check, would both refuse the same table; a scan of parameters typed
# by hand (`rates={learning:0.1,learning:0.2}`) runs with 0.2 and says nothing. Two overrides of the same table behave otherwise
# again: they are merged name by name when Hydra composes, so `rates={learning:0.1} rates={forgetting:0.3}` keeps both.
#
# Seen: {'learning': 0.2} and {'learning': 0.1, 'forgetting': 0.3}
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check hydra-core==1.3.8 omegaconf==2.3.1
mkdir "$folder/configs"
printf 'rates:\n  learning: 0.5\n' > "$folder/configs/config.yaml"
found="$("$folder/env/bin/python" - "$folder/configs" <<'PY'
import sys
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

with initialize_config_dir(sys.argv[1], version_base="1.3"):
    for overrides in (["rates={learning:0.1,learning:0.2}"], ["rates={learning:0.1}", "+rates={forgetting:0.3}"]):
        print(OmegaConf.to_container(compose("config", overrides).rates))
PY
)"
expected="{'learning': 0.2}
{'learning': 0.1, 'forgetting': 0.3}"
echo "$found"
[ "$found" = "$expected" ] || { echo "another behaviour than seen" >&2; exit 1; }
