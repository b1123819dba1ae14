#!/bin/sh
# Readers of other projects in folder $1, as plain Python files without what they need beyond reading: PyQUDA's pyquda_io
# (NERSC, MILC, ILDG, openQCD), lyncs_io (LIME) and latqcdtools (NERSC). None has a wheel that can be a dependency: PyQUDA's
# build wants QUDA, lyncs_io fails to import with current NumPy as a whole, latqcdtools needs far more than its readers do.
# Exit code 77: something is missing here; the last line says what.
set -eu
folder=$1
python=${PYTHON:-python3}

missing() { printf '%s\n' "$*"; exit 77; }

[ ! -e "$folder/complete" ] || exit 0
command -v "$python" >/dev/null || missing "there is no $python"
rm -rf "$folder"
mkdir -p "$folder/downloads" "$folder/stub"
"$python" -m venv "$folder/venv" || missing "$python lacks the modules venv and ensurepip"
pip="$folder/venv/bin/pip --quiet --disable-pip-version-check"
fetch() { $pip "$@" >"$folder/log" 2>&1 || missing "pip $1 failed: $(tail -n 1 "$folder/log")"; }

fetch install 'setuptools>=77'
# PyQUDA's setup.py imports a file that lies beside it only in its own build; the archive is wanted, not the build.
echo 'def build_pyquda_pyx(*_): pass' >"$folder/stub/pyquda_pyx.py"
PYTHONPATH=$folder/stub fetch download --no-deps --no-build-isolation --no-binary=:all: --dest "$folder/downloads" \
  pyquda==0.10.54
for archive in "$folder"/downloads/*.tar.gz; do tar -xzf "$archive" -C "$folder/downloads"; done
mkdir "$folder/readers"
cp -r "$folder"/downloads/*/pyquda_comm "$folder/readers/"
fetch install --no-deps --no-build-isolation --target "$folder/readers" pyquda_utils==0.10.54.post0
fetch install --no-deps --target "$folder/readers" lyncs_io==0.2.3 lyncs_utils==0.5.1
fetch install --no-deps --target "$folder/readers" xmltodict==1.0.4 filelock==4.2.12 \
  latqcdtools==1.3.4 colorama==0.4.6
rm -rf "$folder/downloads" "$folder/venv" "$folder/stub"
touch "$folder/complete"
