#!/usr/bin/env bash
# Unpacks the real servers and tools that tests and the demo talk to under build/peers/, from Debian's packages and one of
# npm's. Nothing is installed, no service is started, root is not needed. Source build/peers/env.sh to find them. Does
# nothing when they are there.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

servers=(redis-server redis-tools prometheus prometheus-pushgateway python3-prometheus-client
  python3-decorator python3-protobuf netdata-core)
# In the next release only: classes made of OpenTelemetry's .proto files (pure Python), and a receiver of OTLP that needs
# no more than libc and libzstd.
newer=(python3-opentelemetry-proto victoria-metrics)
allocators=(libtcmalloc-minimal4 libjemalloc2)  # for tests that preload them; redis-server links to one
libraries=(libatomic1 liblzf1 libssl3 libcap2 libjson-c5 liblz4-1 libmnl0 libnetfilter-acct1 libuuid1
  libuv1)  # what the servers link to and a machine may lack
npm=statsd@0.9.0  # and the one package it depends on
programs=(redis-server redis-benchmark redis-cli prometheus promtool prometheus-pushgateway netdata victoria-metrics)

mkdir -p build/peers
exec 9>build/peers/lock
flock 9
stamp=$(sha256sum tools/peers.sh)
[[ $(cat build/peers/stamp 2>/dev/null) != "$stamp" ]] || exit 0

wanted=("${servers[@]}" "${allocators[@]}")
for library in "${libraries[@]}"; do
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$library" 2>/dev/null) == installed ]] || wanted+=("$library")
done
echo "== unpacking ${wanted[*]} ${newer[*]} $npm under build/peers"
rm -rf build/peers/{unpacked,bin,debs,statsd,env.sh}
mkdir -p build/peers/{unpacked,bin,debs}

# The machine's package lists do if they are there and recent enough; otherwise lists of our own, which need no root.
apt=$PWD/build/peers/apt
own_lists=(-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache")
download() { (cd build/peers/debs && apt-get -q -o APT::Sandbox::User=root "$@" download "${wanted[@]}"); }
if ! download 2>build/peers/download.log; then
  mkdir -p "$apt"/{lists,cache}/partial
  apt-get -q -o APT::Sandbox::User=root "${own_lists[@]}" update
  download "${own_lists[@]}"
fi

# The next release has lists of its own: none of its packages can come in for one of this machine's.
mkdir -p "$apt"/newer/{lists,cache}/partial
cat >"$apt/newer/debian.sources" <<'SOURCES'
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
touch "$apt/newer/status"
newer_lists=(-o Dir::Etc::SourceList="$apt/newer/debian.sources" -o Dir::Etc::SourceParts=/dev/null
  -o Dir::State::Lists="$apt/newer/lists" -o Dir::State::Status="$apt/newer/status" -o Dir::Cache="$apt/newer/cache"
  -o Acquire::Languages=none)
apt-get -q -o APT::Sandbox::User=root "${newer_lists[@]}" update
(cd build/peers/debs && apt-get -q -o APT::Sandbox::User=root "${newer_lists[@]}" download "${newer[@]}")
for package in build/peers/debs/*.deb; do
  case $package in
    */victoria-metrics_*)  # one binary of many
      dpkg --fsys-tarfile "$package" | tar -x -C build/peers/unpacked ./usr/bin/victoria-metrics ;;
    *) dpkg -x "$package" build/peers/unpacked ;;
  esac
done
rm -rf build/peers/debs "$apt"

npm install --prefix build/peers/statsd --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error "$npm"

# Wrappers exec the program, so that a signal sent to the child reaches it.
for program in "${programs[@]}"; do
  cat >"build/peers/bin/$program" <<'WRAPPER'
#!/bin/sh
unpacked=$(dirname "$(readlink -f "$0")")/../unpacked
for folder in "$unpacked"/usr/lib/*-linux-gnu*; do LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; done
export LD_LIBRARY_PATH
program=$(basename "$0")
for path in "$unpacked/usr/bin/$program" "$unpacked/usr/sbin/$program"; do [ ! -x "$path" ] || exec "$path" "$@"; done
exit 127
WRAPPER
  chmod +x "build/peers/bin/$program"
done

cat >build/peers/env.sh <<'ENV'
# Sourced by bash: where the unpacked servers and tools are.
ft_peers=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
export FT_REDIS_SERVER=$ft_peers/bin/redis-server
export FT_REDIS_BENCHMARK=$ft_peers/bin/redis-benchmark
export FT_REDIS_CLI=$ft_peers/bin/redis-cli
export FT_PROMETHEUS=$ft_peers/bin/prometheus
export FT_PROMTOOL=$ft_peers/bin/promtool
export FT_PUSHGATEWAY=$ft_peers/bin/prometheus-pushgateway
export FT_VICTORIA_METRICS=$ft_peers/bin/victoria-metrics
export FT_NETDATA=$ft_peers/bin/netdata
export FT_STATSD=$ft_peers/statsd/node_modules/statsd
export FT_TCMALLOC=$(echo "$ft_peers"/unpacked/usr/lib/*/libtcmalloc_minimal.so.4)
export FT_JEMALLOC=$(echo "$ft_peers"/unpacked/usr/lib/*/libjemalloc.so.2)
export FT_OTLP_PROTO=$ft_peers/unpacked/usr/lib/python3/dist-packages
export FT_PROMETHEUS_CLIENT=$ft_peers/unpacked/usr/lib/python3/dist-packages  # in the package; for PYTHONPATH
ENV

for program in "${programs[@]}"; do
  "build/peers/bin/$program" --version >/dev/null 2>&1 || "build/peers/bin/$program" -v >/dev/null 2>&1 || {
    echo "peers: $program does not run here:" >&2
    "build/peers/bin/$program" --version >&2 || exit 1
  }
done
echo "$stamp" >build/peers/stamp
