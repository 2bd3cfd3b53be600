# newcomer.sh: functions of ./quickstart, ./quickcheck and .ci/run, to install Debian
# packages, to get a kernel for the test guest, and to print the progress
#
# To be sourced by bash with set -u. Functions:
#
#   newcomer_step N M TEXT        prints "[N/M] TEXT", with the time since the start
#   newcomer_note TEXT            an indented line below it
#   newcomer_run LOG CMD...       runs CMD with its output in the file LOG; if it fails,
#                                 prints the end of LOG and returns its status
#   newcomer_elapsed              seconds since this file was read
#   newcomer_packages GROUP...    prints the packages of these groups in build-aux/packages.txt
#   newcomer_missing PKG...       prints which of them are not installed
#   newcomer_install LOG PKG...   installs the missing packages, and prints their names
#   newcomer_kernel LOG DIR       prints the path of an x86_64 kernel for the guest;
#                                 one that is downloaded is kept in DIR, never installed
#
# It starts, stops and enables no service: none of the packages contains one (the
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

    # In the background, because a trap runs at once only during wait.
    "$@" >> "$log" 2>&1 < /dev/null &
    pid=$!
    if test -t 1; then
        # On a terminal, show the seconds and the last line of the log.
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
        # Otherwise, print a line each minute.
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


# Updates package lists that are missing or older than a day.
newcomer_update() {
    local log=$1

    if test -z "$(find /var/lib/apt/lists -name '*_Packages*' -mmin -1440 2>/dev/null | head -n 1)"; then
        newcomer_run "$log" apt-get -q -y update || return
        # Lists that the server reports as not modified keep their old date.
        find /var/lib/apt/lists -name '*_Packages*' -exec touch {} + 2>/dev/null
    fi
    return 0
}


newcomer_install() {
    local log=$1 missing

    shift
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        newcomer_note "this is not Debian: the contents of these packages are required:"
        newcomer_note "$*"
        return 0
    fi

    mapfile -t missing < <(newcomer_missing "$@")
    if test "${#missing[@]}" = 0; then
        newcomer_note "all $# packages are installed already"
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
    newcomer_note "trying again with updated package lists"
    newcomer_run "$log" apt-get -q -y update &&
        newcomer_run "$log" env DEBIAN_FRONTEND=noninteractive \
            apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}"
}


# Prints the packages of a kernel on which the packages $@ depend: the image of the kernel
# may be in another package than the modules.
newcomer_kernel_depends() {
    apt-cache depends --important "$@" |
        sed -n 's/.*Depends: *\(linux-\(image\|binary\)-[0-9][^ ]*\).*/\1/p' | sort -u
}


# Downloads packages into the new directory $1 until one contains a kernel, which it unpacks
# there: first the dependency of the metapackage, then the dependencies of that package.
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
    echo "no kernel was found in the package $newcomer_kernel_meta and its dependencies"
    return 1
}


# Prints the first kernel of these: $GUEST_KERNEL, one that was downloaded before,
# an installed cloud kernel, a new download.
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
