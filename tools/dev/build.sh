# shellcheck shell=bash
# Sourced by ./dev: builds and test runs over the presets of CMakePresets.json.

configure_preset() {
  cmake --preset "$1" --log-level=NOTICE
}

# build_preset PRESET [target]...
build_preset() {
  echo "== building $*"
  configure_preset "$1"
  cmake --build --preset "$1" ${2:+--target "${@:2}"}
}

only=()

# test_preset PRESET [ctest arguments]: leaves its result where .ci/run counts it, build/results/PRESET.xml. With targets
# in the array `only`, no others are built.
test_preset() {
  local preset=$1 result=$PWD/build/results/$1.xml status=0 run=()
  shift
  if (($#)); then result=${result%.xml}-selected.xml; fi
  need_packages_for "$preset"
  need_peers
  build_preset "$preset" "${only[@]}"
  # The thread sanitizer of GCC 12 does not know every memory layout that newer kernels randomise into.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then run=(setarch "$(uname -m)" -R); fi
  echo "== testing $preset $*"
  mkdir -p build/results
  rm -f "$result"
  # Two more than there are cores: tests wait for servers and for deadlines.
  "${run[@]}" ctest --preset "$preset" -j "$(($(nproc) + 2))" --output-junit "$result" "$@" || status=$?
  python3 tools/dev/results.py "$result" || status=1
  return "$status"
}

# Tracked and new files that match; in a tree without git, all outside build/.
sources() {
  if command -v git >/dev/null && git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard "$@" | while read -r file; do
      if [[ -f $file ]]; then echo "$file"; fi
    done
  else
    local pattern
    for pattern in "$@"; do find . -path "./$pattern" -not -path './build/*' -printf '%P\n'; done
  fi
}
