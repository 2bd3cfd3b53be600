# newcomer.sh: functions of ./quickstart, ./quickcheck and .ci/run, to install Debian
# packages, to get a kernel for the test guest, and to print the progress
#
# To be sourced by bash with set -u. Functions:
#
#   newcomer_step N M TEXT        prints "[N/M] TEXT", with the time since the start
#   newcomer_note TEXT            an indented line below it
#   newcomer_run LOG CMD...       runs CMD with its output in the file LOG; when it
#                                 fails, shows the tail of that and returns its status
#   newcomer_elapsed              seconds since this file was read
#   newcomer_packages GROUP...    lists those groups of build-aux/packages.txt
#   newcomer_missing PKG...       prints which of them are not installed
#   newcomer_install LOG PKG...   installs what is missing, and says what
#   newcomer_kernel LOG DIR       prints the path of an x86_64 kernel for the guest;
#                                 one that is downloaded is kept in DIR, never installed
#
# It starts, stops and enables no service: none of the packages brings one (the
# units of libvirtd are in libvirt-daemon-system, which we do not install).
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash

newcomer_aux=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
newcomer_start=$SECONDS

# The package that always depends on Debian's current kernel for virtual machines.
newcomer_kernel_meta=linux-image-cloud-amd64


newcomer_elapsed() {
    echo $((SECONDS - newcomer_start))
}


newcomer_step() {
    printf '[%s/%s] %-58s %4ss\n' "$1" "$2" "$3" "$(newcomer_elapsed)"
}


newcomer_note() {
    printf '      %s\n' "$*"
}


newcomer_run() {
    local log=$1 status=0 since=$SECONDS pid tick=0

    shift
    mkdir -p "$(dirname "$log")"
    printf '\n$ %s\n' "$*" >> "$log"

    # In the background: only wait lets a trap run at once.
    "$@" >> "$log" 2>&1 < /dev/null &
    pid=$!
    if test -t 1; then
        # A sign of life for a person: the seconds, and the last line logged.
        while kill -0 "$pid" 2>/dev/null; do
            tick=$((tick + 1))
            if test $((tick % 5)) = 0; then
                printf '\r      %3ss %-.66s\033[K' "$((SECONDS - since))" \
                    "$(tail -n 1 "$log" | tr -cd '[:print:]')"
            fi
            sleep 0.2
        done
        printf '\r\033[K'
    else
        # Into a log, a line a minute.
        while kill -0 "$pid" 2>/dev/null; do
            if test $(((SECONDS - since) / 60)) -gt $tick; then
                tick=$((tick + 1))
                newcomer_note "$((SECONDS - since)) s: $(tail -n 1 "$log" | tr -cd '[:print:]' | head -c 66)" >&2
            fi
            sleep 0.2
        done
    fi
    wait "$pid" || status=$?

    if test "$status" != 0; then
        {
            echo "      failed (exit status $status): $*"
            echo "      the end of $log:"
            tail -n 25 "$log" | sed 's/^/      | /'
        } >&2
    fi
    return "$status"
}


newcomer_packages() {
    local group

    for group; do
        sed -n "s/^${group}[[:space:]]\\{1,\\}\\([^[:space:]#]*\\).*/\\1/p" "$newcomer_aux/packages.txt"
    done
}


newcomer_missing() {
    local package

    for package; do
        if test "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed; then
            echo "$package"
        fi
    done
}


# Package lists that are missing or older than a day are fetched anew, once.
newcomer_update() {
    local log=$1

    if test -z "$(find /var/lib/apt/lists -name '*_Packages*' -mmin -1440 2>/dev/null | head -n 1)"; then
        newcomer_run "$log" apt-get -q -y update || return
        # "Not modified" leaves the lists' old date
        find /var/lib/apt/lists -name '*_Packages*' -exec touch {} + 2>/dev/null
    fi
    return 0
}


newcomer_install() {
    local log=$1 missing

    shift
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        newcomer_note "this is not Debian: make sure that you have what these packages hold:"
        newcomer_note "$*"
        return 0
    fi

    mapfile -t missing < <(newcomer_missing "$@")
    if test "${#missing[@]}" = 0; then
        newcomer_note "all $# packages are there already"
        return 0
    fi
    if test "$(id -u)" != 0; then
        echo "packages are missing; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
        return 1
    fi

    newcomer_note "installing: ${missing[*]}"
    newcomer_update "$log" || return
    newcomer_run "$log" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}" && return
    # Lists that are too old name packages that the mirror no longer has.
    newcomer_note "once more, with fresh package lists"
    newcomer_run "$log" apt-get -q -y update &&
        newcomer_run "$log" env DEBIAN_FRONTEND=noninteractive \
            apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}"
}


# The packages of a kernel on which the packages $@ depend: the kernel's image may be
# in a package of its own, beside the modules.
newcomer_kernel_depends() {
    apt-cache depends --important "$@" |
        sed -n 's/.*Depends: *\(linux-\(image\|binary\)-[0-9][^ ]*\).*/\1/p' | sort -u
}


# Downloads packages into the new directory $1 until one has a kernel, which it unpacks
# there: first the one on which the metapackage depends, then what that depends on.
newcomer_kernel_unpack() {
    local dir=$1 package packages level kernel

    mapfile -t packages < <(newcomer_kernel_depends "$newcomer_kernel_meta")
    for level in 1 2 3; do
        for package in "${packages[@]}"; do
            echo "level $level: $package"
            rm -rf "$dir/debs" "$dir/x"
            mkdir -p "$dir/debs" &&
                (cd "$dir/debs" && apt-get -q -o APT::Sandbox::User=root download "$package") &&
                dpkg-deb -x "$dir"/debs/*.deb "$dir/x" || return
            # boot/vmlinuz-VERSION, or usr/lib/modules/VERSION/vmlinuz
            kernel=$(find "$dir/x" -type f -name 'vmlinuz*' | head -n 1)
            if test -n "$kernel"; then
                install -m 0644 "$kernel" "$dir/vmlinuz"
                return
            fi
        done
        test "${#packages[@]}" -gt 0 || break
        mapfile -t packages < <(newcomer_kernel_depends "${packages[@]}")
    done
    echo "there is no kernel in what apt knows as $newcomer_kernel_meta, or in what that depends on"
    return 1
}


# The kernel, in this order: $GUEST_KERNEL, what was downloaded before, an
# installed cloud kernel, a new download.
newcomer_kernel() {
    local log=$1 dir=$2 kernel

    for kernel in "${GUEST_KERNEL:-}" "$dir/vmlinuz" /boot/vmlinuz-*-cloud-amd64; do
        if test -n "$kernel" && test -r "$kernel"; then
            echo "$kernel"
            return 0
        fi
    done

    rm -rf "$dir.new"
    mkdir -p "$dir.new"
    {
        { test -n "$(apt-cache depends "$newcomer_kernel_meta" 2>/dev/null)" ||
            newcomer_run "$log" apt-get -q -y update; } &&
        { newcomer_run "$log" newcomer_kernel_unpack "$dir.new" ||
            { newcomer_run "$log" apt-get -q -y update &&
              newcomer_run "$log" newcomer_kernel_unpack "$dir.new"; }; }
    } >&2 || return
    mkdir -p "$dir"
    mv "$dir.new/vmlinuz" "$dir/vmlinuz"
    rm -rf "$dir.new"
    echo "$dir/vmlinuz"
}
