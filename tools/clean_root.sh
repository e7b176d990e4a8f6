#!/usr/bin/env bash
# Proves that a fresh machine is enough: makes a Debian 12 system in an empty folder, puts a clean clone of HEAD into it
# and runs commands of the project there, one after the other.
#
#   tools/clean_root.sh [--user] [--keep] FOLDER [COMMAND]...    default commands: './dev demo' './dev test'
#
# --user  as an ordinary user who may use sudo, not as root
# --keep  leaves the folder for a look; otherwise it is removed
#
# Needs root and debootstrap. Packages come from where this machine's own apt gets them; npm there trusts whom this
# machine trusts.
set -euo pipefail

# A namespace of its own: whatever happens, mounts and processes end with the script.
if [[ ${CLEAN_ROOT_INSIDE:-} != yes ]]; then
  export CLEAN_ROOT_INSIDE=yes
  exec unshare --mount --pid --fork --mount-proc --kill-child "$(readlink -f "${BASH_SOURCE[0]}")" "$@"
fi

user=root keep=no
while [[ ${1:-} == --* ]]; do
  case $1 in
    --user) user=builder ;;
    --keep) keep=yes ;;
    *) echo "clean_root: no such option: $1" >&2 && exit 2 ;;
  esac
  shift
done
root=$(realpath -m "${1:?FOLDER is missing; see the head of this file}")
shift
commands=("$@")
((${#commands[@]})) || commands=('./dev demo' './dev test')
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ -e $root && -n $(ls -A "$root") ]]; then
  echo "clean_root: $root is not empty" >&2
  exit 2
fi
mkdir -p "$root"

clean_up() {
  local mounted
  # The deepest first. --one-file-system is the second lock: nothing outside this folder is ever removed.
  while read -r mounted; do umount --lazy "$mounted"; done < <(
    awk -v root="$root/" 'index($2, root) == 1 {print $2}' /proc/self/mounts | sort -r)
  if [[ $keep == no ]]; then rm -rf --one-file-system "$root"; fi
}
trap clean_up EXIT

# The machine's own Debian sources: "uri release component" a line.
# shellcheck disable=SC2016
sources=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk '$1 == "Debian" {print $2, $3, $4}' | sort -u)
mirror=$(awk '$2 == "bookworm" {print $1; exit}' <<<"$sources")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -n $mirror ]] || { echo "clean_root: this machine's apt has no source for bookworm" >&2 && exit 1; }

with=()
# minbase alone could not fetch another package from there.
if grep -q '^https:' <<<"$sources"; then with=(--include=ca-certificates); fi

echo "== a fresh Debian 12 in $root"
debootstrap --variant=minbase "${with[@]}" --keyring="$keyring" bookworm "$root" "$mirror" >"$root/.debootstrap" 2>&1 || {
  tail "$root/.debootstrap" >&2
  exit 1
}
awk '{print "deb", $0}' <<<"$sources" >"$root/etc/apt/sources.list"
# None of these may be set, which is all that grep's status says.
apt-config dump | grep -E '^Acquire::(Check-|Retries|https?::Proxy)' >"$root/etc/apt/apt.conf.d/90host" || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
trusted=/etc/ssl/certs/ca-certificates.crt
if [[ -e $trusted ]]; then cp -L "$trusted" "$root/etc/trusted.crt"; fi
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"

home=/root
if [[ $user != root ]]; then
  home=/home/$user
  chroot "$root" apt-get -qq update
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends sudo >/dev/null
  chroot "$root" useradd --create-home --shell /bin/bash "$user"
  echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
fi
git clone --quiet --no-hardlinks "$repository" "$root$home/fast-telemetry"
chroot "$root" chown -R "$user:" "$home/fast-telemetry"

for command in "${commands[@]}"; do
  echo "== as $user: $command"
  start=$SECONDS
  chroot --userspec="$user" "$root" env -i HOME="$home" USER="$user" NODE_EXTRA_CA_CERTS=/etc/trusted.crt \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "cd ~/fast-telemetry && $command" </dev/null
  echo "== as $user: $command: ok, $((SECONDS - start)) s"
done
