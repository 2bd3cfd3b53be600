#!/bin/bash
# check-vm.sh: tests the installed packages on a booted machine; for "make check-vm"
#
# Usage: check-vm.sh [--cache DIR] [--packages DIR] [SUITE [backports]]
#
# Makes an image of Debian's release SUITE ("trixie backports" if none is named), boots it in
# QEMU with software emulation, installs the packages there that packaging/build-deb builds from
# this tree, and runs tests/vm/vmcheck.py, whose TAP it prints. Needs root, debootstrap, QEMU
# and apt's mirror; the virtual machine has no network. With --cache, the directories of the
# release are kept in DIR and used again. With --packages, the packages are those in DIR.
# The logs of a failed run are kept, and their directory is printed.
#
# Exit status: 0 if every test passed, 77 if this machine cannot run it, and else 1.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317,SC2329 # functions are called through step
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
. build-aux/newcomer.sh
. build-aux/debian-root.sh

# Limits in seconds: to make a release's directories, to build, to run both boots
make_limit=1500
build_limit=1200
run_limit=3600

cache=''
prebuilt=''
while :; do
    case ${1:-} in
    --cache) mkdir -p "$2" && cache=$(cd "$2" && pwd) || exit 1 ;;
    --packages) prebuilt=$(cd "$2" && pwd) || exit 1 ;;
    *) break ;;
    esac
    shift 2
done
test $# -gt 0 || set -- trixie backports
name=$1${2:+-$2}

work=$(mktemp -d "${TMPDIR:-/tmp}/check-vm.XXXXXX") || exit 1
roots=${cache:-$work}
system=$roots/root-$name
builder=$roots/build-$name
log=$work/log
running=
keep=

clean_up() {
    # shellcheck disable=SC2086 # none or more
    kill $running 2>/dev/null && wait
    if test -n "$keep"; then
        echo "# the logs: $work"
        rm -rf --one-file-system "$work"/root-* "$work"/build-* "$work/image" "$work/disk"
    else
        rm -rf --one-file-system "$work"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

skip_all() {
    echo "1..0 # SKIP $*"
    exit 77
}

# limited SECONDS COMMAND...: runs COMMAND for at most SECONDS, in the background, so that a trap
# runs at once
limited() {
    timeout --kill-after=10 "$@" >> "$log" 2>&1 < /dev/null &
    running=$!
    wait "$running"
    set -- $?
    running=
    return "$1"
}

# step TEXT COMMAND...: runs COMMAND, and ends this script if it fails
step() {
    echo "# $1 ($SECONDS s)"
    shift
    "$@" && return
    keep=yes
    tail -n 40 "$log" | sed 's/^/# | /'
    echo "Bail out! $1 failed"
    exit 1
}

in_root() {
    limited "$1" bash build-aux/debian-root.sh debian_root_enter "$2" env DEBIAN_FRONTEND=noninteractive "${@:3}"
}

install_in() {
    in_root "$make_limit" "$1" apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${@:2}"
}

# make_system SUITE [backports]: makes the root directory of the virtual machine, without our packages
make_system() {
    local vm

    rm -rf --one-file-system "$system.new"
    mapfile -t vm < <(newcomer_packages vm)
    limited "$make_limit" bash build-aux/debian-root.sh debian_root_make "$system.new" "$@" &&
        in_root "$make_limit" "$system.new" apt-get -q -y update &&
        install_in "$system.new" "${vm[@]}" &&
        mv "$system.new" "$system"
}

make_builder() {
    rm -rf --one-file-system "$builder.new"
    limited "$make_limit" cp -a "$system" "$builder.new" &&
        mkdir "$builder.new/src" &&
        cp -R packaging/debian "$builder.new/src/debian" &&
        install_in "$builder.new" build-essential &&
        in_root "$make_limit" "$builder.new" sh -c 'cd /src && apt-get -q -y --no-install-recommends build-dep .' &&
        mv "$builder.new" "$builder"
}

# Builds the packages, and copies them to $work/debs.
build() {
    rm -rf --one-file-system "$builder/src" "$builder/debs"
    mkdir -p "$builder/src"
    if git rev-parse --git-dir > /dev/null 2>&1; then
        git ls-files -z | tar -c --null --files-from=- --ignore-failed-read
    else
        tar -c --exclude=./.quick* .
    fi | tar -x -C "$builder/src" --no-same-owner &&
        in_root "$build_limit" "$builder" sh -c 'cd /src && packaging/build-deb /debs' &&
        cp -R "$builder/debs" "$work/debs"
}

# Removes the profiles of other programs, which take minutes to load in software emulation.
trim_profiles() {
    find "$1" -maxdepth 1 -type f -not -name '*libvirt*' -not -name '*virtqemud*' -not -name '*virt-aa-helper*' -delete
}

# Makes a disk with a copy of the release, the packages, their dependencies, the tests and the unit
# that runs them.
make_disk() {
    local image=$work/image

    cp -a "$system" "$image" &&
        mkdir -p "$image/check-vm/qemu" "$image/var/log/journal" &&
        cp -R "$work/debs" "$image/check-vm/" &&
        cp "$image"/var/cache/apt/archives/qemu-system-x86_*.deb "$image/check-vm/qemu/" &&
        mkdir "$image/check-vm/tests" &&
        cp tests/emulatedpcistack.py tests/qemutransports.py "$image/check-vm/tests/" &&
        cp -R tests/vm "$image/check-vm/tests/vm" &&
        cc -O2 -static -o "$image/check-vm/checksum-engine" examples/checksum-engine/checksum-*.c >> "$log" 2>&1 &&
        in_root "$make_limit" "$image" \
            sh -c 'apt-get clean && apt-get -q -y --download-only --no-install-recommends install /check-vm/debs/*.deb' &&
        rm -f "$image/etc/resolv.conf" &&
        echo check-vm > "$image/etc/hostname" &&
        echo '127.0.0.1 localhost check-vm' > "$image/etc/hosts" &&
        echo '/dev/vda / ext4 defaults 0 0' > "$image/etc/fstab" &&
        cp build-aux/check-vm.service "$image/etc/systemd/system/" &&
        in_root 60 "$image" systemctl enable check-vm.service &&
        in_root 60 "$image" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
            e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer &&
        trim_profiles "$image/etc/apparmor.d" &&
        cp "$image"/boot/vmlinuz-* "$work/vmlinuz" &&
        cp "$image"/boot/initrd.img-* "$work/initrd" &&
        truncate -s 6G "$work/disk" &&
        limited 600 mkfs.ext4 -q -F -d "$image" "$work/disk" &&
        rm -rf --one-file-system "$image"
}

# Runs QEMU once for both boots, and prints the TAP output as it arrives.
run_machine() {
    local shown=0 count

    : > "$work/tap"
    timeout --kill-after=10 "$run_limit" qemu-system-x86_64 -machine pc -cpu max -accel tcg -smp 2 -m 2048 \
        -nodefaults -display none -nic none \
        -kernel "$work/vmlinuz" -initrd "$work/initrd" -append 'root=/dev/vda rw console=ttyS0 panic=-1 apparmor=1 security=apparmor' \
        -drive "if=virtio,format=raw,cache=unsafe,file=$work/disk" \
        -serial "file:$work/console" -serial "file:$work/tap" >> "$log" 2>&1 < /dev/null &
    running=$!
    while :; do
        kill -0 "$running" 2>/dev/null && count=$(wc -l < "$work/tap") || count=1000000
        sed -n "$((shown + 1)),${count}p" "$work/tap" | tr -d '\r'
        shown=$count
        test "$count" -lt 1000000 || break
        sleep 2
    done
    wait "$running"
    set -- $?
    running=
    return "$1"
}

test "$(id -u)" = 0 || skip_all 'only root can make the image'
debian_root_possible || skip_all 'this machine has no debootstrap, or cannot mount anything'
command -v qemu-system-x86_64 > /dev/null || skip_all 'there is no qemu-system-x86_64'

test -d "$system" || step "making $name" make_system "$@"
if test -n "$prebuilt"; then
    cp -R "$prebuilt" "$work/debs" || exit 1
else
    test -d "$builder" || step "installing the build dependencies of the packages" make_builder
    step "building the packages" build
fi
step "making the disk" make_disk
step "booting" run_machine

if grep -q '^1\.\.' "$work/tap" && ! grep -q '^not ok' "$work/tap"; then
    echo "# passed ($SECONDS s)"
    exit 0
fi
keep=yes
grep -q '^1\.\.' "$work/tap" || { echo '# the end of the console:'; tail -n 30 "$work/console" | tr -d '\r' | sed 's/^/# | /'; }
echo "# failed ($SECONDS s)"
exit 1
