# shellcheck shell=bash disable=SC2034
# Sourced by ./dev: what a machine must have. Only what is missing is installed, and only that needs root.

packages_build=(g++ cmake ninja-build pkg-config python3 libgtest-dev libgmock-dev libbenchmark-dev
  libmicrohttpd-dev zlib1g-dev libprotozero-dev libasio-dev libcurl4-openssl-dev nlohmann-json3-dev
  libspdlog-dev)
packages_bench=("${packages_build[@]}" libcli11-dev prometheus-cpp-dev)  # what is measured beside ours
packages_test=("${packages_bench[@]}" valgrind)
packages_clang=("${packages_test[@]}" clang-14 lld-14 g++-aarch64-linux-gnu)  # its headers: tests/build/assembly
packages_clang_19=("${packages_test[@]}" clang-19 lld-19 g++-aarch64-linux-gnu)
packages_aarch64=(g++-aarch64-linux-gnu qemu-user googletest cmake ninja-build pkg-config python3)  # googletest: sources
packages_sanitize=("${packages_build[@]}" clang-19 lld-19 libclang-rt-19-dev llvm-19)  # llvm-19: names in reports
packages_newer=(debootstrap)  # tools/newer_root.sh
packages_npm=(nodejs npm)  # unless there is an npm of another origin: tools/peers.sh
packages_format=(clang-format-19)
packages_check=("${packages_clang[@]}" clang-tidy-19)

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "./dev: this must be run by root, and there is no sudo here: $*" >&2
    exit 1
  fi
}

# need_packages SET: installs what the set has and the machine lacks.
need_packages() {
  local -n wanted=packages_$1
  local package missing=()
  for package in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  echo "== installing ${missing[*]}"
  local apt_get=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  as_root "${apt_get[@]}" update
  as_root "${apt_get[@]}" install --no-install-recommends "${missing[@]}"
}

need_packages_for() {
  case $1 in
    clang) need_packages clang ;;
    clang-19) need_packages clang_19 ;;
    asan-ubsan | tsan) need_packages sanitize ;;
    aarch64 | aarch64-stress) need_packages aarch64 ;;
    *) need_packages test ;;
  esac
}

# The servers and tools that tests and the demo talk to: unpacked under build/, never installed.
need_peers() {
  command -v npm >/dev/null || need_packages npm
  tools/peers.sh
  source build/peers/env.sh
}
