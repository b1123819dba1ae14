#!/bin/sh
# SLURM, munge and the tools of namespaces for the tests that start a private cluster: installed with apt-get as root.
# No service is started by it. Exit code 77: they are not there and cannot be installed; the last line says why.
set -eu

missing() { printf '%s\n' "$*"; exit 77; }
complete() {
  for program in slurmctld slurmd munged faketime srun sbatch squeue scontrol unshare nsenter setpriv ip ps; do
    command -v "$program" >/dev/null || return 1
  done
  [ -d /etc/slurm ]
}

PATH=$PATH:/usr/sbin:/sbin
[ "$(uname -s)" = Linux ] || missing "a private SLURM needs Linux"
[ "$(id -u)" = 0 ] || missing "a private SLURM needs root for its namespaces"
unshare --net --uts --mount --pid --fork --mount-proc true 2>/dev/null || missing "this machine allows no new namespaces"
if ! complete; then
  command -v apt-get >/dev/null || missing "there is no SLURM, and no apt-get to install it"
  log=$(mktemp)
  rules=/usr/sbin/policy-rc.d # asked by Debian's packages whether they may start their services
  placed=
  trap 'rm -f "$log"; [ -z "$placed" ] || rm -f "$rules"' EXIT
  if [ ! -e "$rules" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$rules"
    chmod 755 "$rules"
    placed=yes
  fi
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 \
    slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge faketime iproute2 procps util-linux
  "$@" >"$log" 2>&1 || { apt-get update -qq >"$log" 2>&1 && "$@" >"$log" 2>&1; } ||
    missing "apt-get cannot install SLURM: $(tail -n 1 "$log")"
  complete || missing "apt-get installed SLURM, but a program of it is not there"
fi
version=$(slurmctld -V)
case $version in
*" 2"[2-9].* | *" "[3-9][0-9].*) printf '%s\n' "$version" ;;
*) missing "got $version, wanted SLURM 22 or later" ;;
esac
