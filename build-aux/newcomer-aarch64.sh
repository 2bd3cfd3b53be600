# newcomer-aarch64.sh: the requirements of a test guest on aarch64
#
# To be sourced by bash after newcomer.sh. Without KVM, such a guest can have an
# emulated device only if QEMU has vfio-user-pci; otherwise its test is skipped,
# and nothing is installed or downloaded for it.
#
#   newcomer_aarch64 LOG DIR      installs the packages of the group aarch64 and prints
#                                 the path of an arm64 kernel, which is kept in DIR and
#                                 never installed; prints nothing if the test is skipped
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash


newcomer_aarch64_is_of_use() {
    qemu-system-x86_64 -machine none -device vfio-user-pci,help 2>/dev/null |
        grep -q '^vfio-user-pci options'
}


# Writes apt's configuration for packages of arm64 into the new directory $1: with its own
# lists, so that no other architecture is added to the system's apt.
newcomer_aarch64_apt() {
    local dir=$1

    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" || return
    : > "$dir/status"
    cat > "$dir/apt.conf" <<EOF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "$dir/state";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
EOF
}


# Downloads a kernel into the new directory $1. newcomer_kernel_unpack reads the two variables.
newcomer_aarch64_unpack() {
    local dir=$1

    newcomer_aarch64_apt "$dir/apt" &&
        APT_CONFIG="$dir/apt/apt.conf" apt-get -q -y update &&
        APT_CONFIG="$dir/apt/apt.conf" newcomer_kernel_meta=linux-image-cloud-arm64 \
            newcomer_kernel_unpack "$dir"
}


newcomer_aarch64() {
    local log=$1 dir=$2 packages kernel

    newcomer_aarch64_is_of_use || return 0
    mapfile -t packages < <(newcomer_packages aarch64)
    newcomer_install "$log" "${packages[@]}" >&2 || return

    for kernel in "${AARCH64_KERNEL:-}" "$dir/vmlinuz"; do
        if test -n "$kernel" && test -r "$kernel"; then
            echo "$kernel"
            return 0
        fi
    done
    command -v apt-get >/dev/null || return 0

    rm -rf "$dir.new"
    mkdir -p "$dir.new" && newcomer_run "$log" newcomer_aarch64_unpack "$dir.new" >&2 || return
    mkdir -p "$dir"
    mv "$dir.new/vmlinuz" "$dir/vmlinuz"
    rm -rf "$dir.new"
    echo "$dir/vmlinuz"
}
