#!/usr/bin/env bash
# Builds and runs the small consumers in this folder; one call is one ctest (CMakeLists.txt).
#
#   consume.sh install BUILD PREFIX             installs a built tree
#   consume.sh install_shared SOURCE PREFIX     builds and installs shared libraries
#   consume.sh cmake FOLDER WORK [option]...    a CMake consumer
#   consume.sh pkg_config PREFIX WORK MAIN name...   a consumer built by hand of MAIN.cc
#
# CXX is the compiler. Trees are installed at one path and moved to another before use: they must not know where they
# are.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

install_tree() {
  local build=$1 prefix=$2
  rm -rf "$prefix" "$prefix.first"
  cmake --install "$build" --prefix "$prefix.first" >/dev/null
  mv "$prefix.first" "$prefix"
}

what=$1
shift
case $what in
  install) install_tree "$@" ;;
  install_shared)
    # Not optimised: nothing is measured, and more of the standard library's templates are left that must not show.
    cmake --fresh -S "$1" -B "$2.build" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DBUILD_SHARED_LIBS=ON \
      -DCMAKE_UNITY_BUILD=ON -DFAST_TELEMETRY_WERROR=ON \
      -DFAST_TELEMETRY_TESTS=OFF -DFAST_TELEMETRY_BENCH=OFF -DFAST_TELEMETRY_EXAMPLES=OFF
    cmake --build "$2.build"
    install_tree "$2.build" "$2"
    ;;
  cmake)
    folder=$1 work=$2
    shift 2
    cmake --fresh -S "$here/$folder" -B "$work" -DCMAKE_CXX_COMPILER="$CXX" "$@"
    cmake --build "$work" --target consumer
    "$work/consumer"
    ;;
  pkg_config)
    prefix=$1 work=$2 main=$3
    shift 3
    mkdir -p "$work"
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name fast_telemetry_core.pc)")
    export PKG_CONFIG_PATH
    flags=$(pkg-config --cflags --libs "$@")
    echo "$flags"
    # shellcheck disable=SC2086
    "$CXX" -std=c++20 "$here/$main.cc" -Wl,--whole-archive $flags -Wl,--no-whole-archive -o "$work/consumer"
    LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") "$work/consumer"
    ;;
esac
