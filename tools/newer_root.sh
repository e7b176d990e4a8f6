#!/usr/bin/env bash
# Builds and runs the benchmarks in a newer Debian than this machine's, for what only that has: opentelemetry-cpp, and a
# compiler that both sides are built with. This machine is left as it is: everything is in build/newer/.
#
#   tools/newer_root.sh build [CMAKE OPTION]...   the root, once, and in it the benchmarks (again)
#   tools/newer_root.sh run PROGRAM [ARG]...      a benchmark, or any program of the root; started in the repository
#   tools/newer_root.sh remove                    all of it
#
# Needs root, and for the first build a network and some 900 MB. Only what PROGRAM prints is on stdout.
set -euo pipefail

suite=trixie
packages=(ca-certificates g++-14 cmake ninja-build pkg-config libbenchmark-dev libmicrohttpd-dev zlib1g-dev
  libprotozero-dev libcurl4-openssl-dev libcli11-dev prometheus-cpp-dev
  opentelemetry-cpp-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libgrpc++-dev libabsl-dev)

die() {
  echo "newer_root: $*" >&2
  exit 1
}

# A namespace of its own: whatever happens, mounts and processes end with the script.
if [[ ${NEWER_ROOT_INSIDE:-} != yes ]]; then
  ((EUID == 0)) || die "this must be run by root: it mounts and changes root"
  unshare --mount true || die "this machine lets its root mount nothing, as in a container"
  export NEWER_ROOT_INSIDE=yes
  exec unshare --mount --pid --fork --mount-proc --kill-child "$(readlink -f "${BASH_SOURCE[0]}")" "$@"
fi

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
repository=$PWD
folder=$repository/build/newer
root=$folder/root
log=$folder/log
inside=/fast-telemetry  # where the repository is in there

in_root() {
  local path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin benchmarks
  for benchmarks in micro contention curves; do path=$inside/build/newer/release/bench/$benchmarks:$path; done
  chroot "$root" env -i HOME=/root LC_ALL=C.UTF-8 PATH="$path" DEBIAN_FRONTEND=noninteractive \
    bash -c "cd $inside && exec \"\$@\"" - "$@"
}

mount_root() {
  mkdir -p "$root$inside"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount --bind "$repository" "$root$inside"
}

logged() {
  local failed=$1
  shift
  "$@" </dev/null >>"$log" 2>&1 || { tail -n 5 "$log" >&2 && die "$failed; all of it is in $log"; }
}

# Packages come from where this machine's own apt gets them.
make_base() {
  # shellcheck disable=SC1091
  source tools/dev/setup.sh
  need_packages newer
  local mirror
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" {print $2; exit}')
  [[ -n $mirror ]] || die "this machine's apt has no source of Debian's"
  local with=()
  # minbase alone could not fetch another package from there.
  if [[ $mirror == https:* ]]; then with=(--include=ca-certificates); fi

  echo "== Debian $suite in $root"
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  logged "no Debian $suite could be fetched from $mirror" debootstrap --variant=minbase "${with[@]}" \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$suite" "$root" "$mirror"
  echo "deb $mirror $suite main" >"$root/etc/apt/sources.list"
  # None of these may be set, which is all that grep's status says.
  apt-config dump | grep -E '^Acquire::(Check-|Retries|https?::Proxy)' >"$root/etc/apt/apt.conf.d/90host" || true
  touch "$folder/base"
}

# Not among what debootstrap includes: it fails to configure libgrpc.
add_packages() {
  echo "== its packages: ${packages[*]}"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  logged "its package lists could not be fetched" in_root apt-get -q update
  logged "its packages could not be installed" in_root apt-get -q -y install --no-install-recommends "${packages[@]}"
  echo "${packages[*]}" >"$folder/packages"
}

build() {
  mkdir -p "$folder"
  exec 9>"$folder/lock"
  flock 9
  : >"$log"
  [[ -e $folder/base ]] || make_base
  mount_root
  [[ $(cat "$folder/packages" 2>/dev/null) == "${packages[*]}" ]] || add_packages
  echo "== building the benchmarks in there"
  in_root cmake --preset release --log-level=NOTICE -B build/newer/release -DCMAKE_CXX_COMPILER=g++-14 \
    -DFAST_TELEMETRY_TESTS=OFF -DFAST_TELEMETRY_EXAMPLES=OFF "$@"
  in_root cmake --build build/newer/release --target bench/all
}

case ${1:-} in
  build)
    shift
    build "$@" >&2
    ;;
  run)
    shift
    (($#)) || die "PROGRAM is missing"
    [[ -e $folder/packages ]] || die "there is no root yet: tools/newer_root.sh build"
    mount_root
    in_root "$@"
    ;;
  remove) rm -rf --one-file-system "$folder" ;;
  *)
    sed -n '2,/^set /{/^#/s/^# \?//p}' "$0" >&2
    exit 2
    ;;
esac
