#!/bin/sh
# A virtual environment in folder $1 whose h5py is built against Debian's MPICH and parallel HDF5.
# The Debian packages are unpacked into the folder and not installed: no root is needed, the system stays as it is.
#   $1/run COMMAND..    runs a command with the folder's programs and libraries: $1/run mpiexec -n 2 python ..
# Exit code 77: something that the build needs is missing here; the last line says what.
set -eu
folder=$1
python=${PYTHON:-python3}
lock=$(cd "$(dirname "$0")/../.." && pwd)/requirements.lock

missing() { printf '%s\n' "$*"; exit 77; }

[ ! -e "$folder/complete" ] || exit 0
for tool in apt-get dpkg gcc "$python"; do command -v "$tool" >/dev/null || missing "there is no $tool"; done
headers=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
[ -e "$headers/Python.h" ] || missing "there is no $headers/Python.h"
rm -rf "$folder"
mkdir -p "$folder/debs/partial"
folder=$(cd "$folder" && pwd)
root=$folder/root
libraries=$root/usr/lib/$(gcc -print-multiarch)

apt-get install -y -qq --no-install-recommends --download-only -o Debug::NoLocking=1 \
  -o "Dir::Cache::archives=$folder/debs" libhdf5-mpich-dev mpich >"$folder/apt.log" 2>&1 ||
  missing "apt-get cannot fetch libhdf5-mpich-dev and mpich: $(tail -n 1 "$folder/apt.log")"
for deb in "$folder"/debs/lib*.deb "$folder"/debs/mpich*.deb "$folder"/debs/hwloc*.deb; do
  [ ! -e "$deb" ] || dpkg -x "$deb" "$root"
done
rm -rf "$folder/debs"
[ -e "$libraries/libhdf5_mpich.so" ] && [ -e "$root/usr/bin/mpiexec.hydra" ] ||
  missing "libhdf5-mpich-dev or mpich is installed, apt-get does not fetch it again"
ln -s mpiexec.hydra "$root/usr/bin/mpiexec"
ln -s libmpich.so.12 "$libraries/libmpi.so.12" # the name by which the wheel of mpi4py looks for an MPICH

cat >"$folder/mpicc" <<END
#!/bin/sh
exec gcc -I$root/usr/include/$(gcc -print-multiarch)/mpich "\$@" -L$libraries -Wl,-rpath-link,$libraries -lmpich
END
cat >"$folder/run" <<END
#!/bin/sh
export PATH=$folder/venv/bin:$root/usr/bin:\$PATH LD_LIBRARY_PATH=$libraries
exec "\$@"
END
chmod +x "$folder/mpicc" "$folder/run"

"$python" -m venv "$folder/venv"
install="$folder/run pip install --quiet --disable-pip-version-check"
# The lock's versions, but for what only builds.
$install -c "$lock" numpy numba scipy pydantic pyyaml typer rich mpi4py
$install cython pkgconfig 'setuptools>=77'
CC=$folder/mpicc CFLAGS="-O0 -g0" HDF5_MPI=ON HDF5_INCLUDEDIR=$root/usr/include/hdf5/mpich \
  HDF5_LIBDIR=$libraries/hdf5/mpich $install -c "$lock" --no-cache-dir --no-binary=h5py --no-build-isolation --no-deps h5py
"$folder/run" python -c 'import h5py, mpi4py.MPI; assert h5py.get_config().mpi'
touch "$folder/complete"
