#!/bin/bash
# debian-root.sh: for .ci/run, another Debian release in a directory
#
# Usage: debian-root.sh FUNCTION ARGUMENT..., or to be sourced; by bash, as root.
#
#   debian_root_possible             whether this machine can make and enter such a directory
#   debian_root_make DIR SUITE [backports]
#                                    installs a minimal system of SUITE into the new
#                                    directory DIR, from the mirror that apt uses here; with
#                                    backports, their packages are preferred
#   debian_root_enter DIR COMMAND... runs COMMAND in DIR, without standard input
#   debian_root_prepare TOP DIR SUITE [backports]
#                                    like debian_root_make, with a clone of the repository
#                                    TOP in /src and the packages that its tests require
#   debian_root_remove DIR           removes DIR
#
# Each command runs in its own mount namespace and PID namespace. Both are removed when the
# command ends for any reason: no mount and no process remains, and debian_root_remove cannot
# remove files in a mount.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u

# debian_root_isolated COMMAND...: runs COMMAND in its own namespaces
debian_root_isolated() {
    unshare --mount --pid --fork --kill-child --propagation private "$@"
}


debian_root_possible() {
    command -v debootstrap >/dev/null &&
        debian_root_isolated \
            sh -c 'mount -t tmpfs tmpfs /mnt && mount -t proc proc /proc && chroot / true' 2>/dev/null
}


# Prints the mirror of this machine's own release, from apt's configuration.
debian_root_mirror() {
    local codename

    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CODENAME)' 'Created-By: Packages' |
        awk -v want="$codename" '$2 == want || $3 == want { print $1; exit }'
}


debian_root_make() {
    local dir=$1 suite=$2 mirror

    mirror=$(debian_root_mirror)
    if test -z "$mirror"; then
        echo "apt's configuration names no mirror of this release"
        return 1
    fi
    # The script for sid serves every release; older debootstraps do not know newer names.
    debian_root_isolated debootstrap --variant=minbase "$suite" "$dir" "$mirror" sid || return
    echo "deb $mirror $suite main" > "$dir/etc/apt/sources.list"
    if test "${3:-}" = backports; then
        echo "deb $mirror $suite-backports main" >> "$dir/etc/apt/sources.list"
        printf 'Package: *\nPin: release n=%s-backports\nPin-Priority: 500\n' "$suite" \
            > "$dir/etc/apt/preferences.d/backports"
    fi
    # Some mirrors require that apt accepts expired lists: the setting of this machine is used.
    apt-config dump Acquire::Check-Valid-Until > "$dir/etc/apt/apt.conf.d/valid-until"
    cp /etc/resolv.conf "$dir/etc/resolv.conf"
}


debian_root_enter() {
    local dir=$1

    shift
    # The kernel does not let a process in a chroot make a user namespace, so the directory
    # becomes the root of the mount namespace. As pivot_root(2) describes, the old root is then
    # mounted on top of the new one, and is unmounted. Where the root cannot be replaced, tests
    # that require a user namespace are skipped.
    # shellcheck disable=SC2016 # expanded by the inner bash
    debian_root_isolated bash -c '
        dir=$1
        shift
        mount --bind "$dir" "$dir" &&
            cd "$dir" &&
            mount -t proc proc proc &&
            mount --rbind /sys sys &&
            mount --rbind /dev dev &&
            mount -t tmpfs tmpfs run &&
            mkdir -m 1777 run/lock || exit 125
        set -- /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
        if pivot_root . . 2>/dev/null; then
            umount -l . && cd / || exit 125
        else
            set -- chroot . "$@"
        fi
        # COMMAND is a child: the first process of a PID namespace ignores most signals.
        "$@"
        exit $?' enter "$dir" "$@" < /dev/null
}


debian_root_prepare() {
    local top=$1 dir=$2

    shift
    debian_root_make "$@" &&
        git clone -q --no-hardlinks "$top" "$dir/src" &&
        debian_root_enter "$dir" apt-get -q -y update || return
    # shellcheck disable=SC2016 # expanded by the inner bash
    debian_root_enter "$dir" bash -c '
        set -u
        cd /src && . build-aux/newcomer.sh || exit
        mapfile -t packages < <(newcomer_packages build run check)
        newcomer_install /tmp/install.log "${packages[@]}"'
}


debian_root_remove() {
    rm -rf --one-file-system "$1"
}


test "${BASH_SOURCE[0]}" != "$0" || "$@"
