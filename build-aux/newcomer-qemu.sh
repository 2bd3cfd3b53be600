# newcomer-qemu.sh: for ./quickstart, a QEMU with which an emulated device works
#
# To be sourced by bash after newcomer.sh. From QEMU 8.2 to 10.0 the devices need KVM
# (docs/deployment.md). Where the installed QEMU is one of these and no guest boots
# with KVM, as on Debian 13, a newer one is taken from the release's backports. It is
# unpacked with the libraries that it needs, not installed.
#
#   newcomer_qemu LOG DIR KERNEL  chooses a QEMU, and may unpack one into DIR/root.
#                                 Sets newcomer_accel to tcg or kvm, and newcomer_qemu_root
#                                 to DIR/root, or to nothing for the installed QEMU
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034 # the script that sources this file uses these

# Seconds in which a Linux kernel has to boot with KVM.
newcomer_kvm_patience=30


# Whether the QEMU under the directory $1 runs emulated devices without KVM.
newcomer_qemu_suits() {
    local program=$1/usr/bin/qemu-system-x86_64 version

    "$program" -device help 2>/dev/null | grep -q '^name "vfio-user-pci"' && return
    version=$("$program" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
    test -n "$version" && dpkg --compare-versions "$version" lt 8.2
}


# Whether the kernel $1 boots with KVM, for the user who will run the guest, until it looks
# for its root file system. It is not sufficient that /dev/kvm can be opened.
newcomer_kvm_boots() {
    local user=() output

    test -c /dev/kvm || return
    test "$(id -u)" != 0 || user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    output=$("${user[@]}" timeout "$newcomer_kvm_patience" qemu-system-x86_64 \
        -accel kvm -cpu host -m 256 -nodefaults -no-user-config -display none -no-reboot \
        -serial stdio -kernel /dev/fd/3 -append 'console=ttyS0 panic=-1' 3< "$1" < /dev/null 2>/dev/null)
    grep -q 'Unable to mount root fs' <<< "$output"
}


# Prints apt's source lines for the suite $1 of each mirror that serves this release.
newcomer_sources() {
    local codename uri component key

    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    test -n "$codename" || return
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(COMPONENT)|$(SIGNED_BY)' \
        'Created-By: Packages' |
        awk -F'|' -v want="$codename" '$2 == want || $3 == want' |
        while IFS='|' read -r uri _ _ component key; do
            case $key in
            /*) echo "deb [signed-by=$key] $uri $codename$1 $component" ;;
            *) echo "deb $uri $codename$1 $component" ;;
            esac
        done | sort -u
}


# Runs apt-get with the private configuration in the directory $1: the release and its
# backports, its own package lists, and the system's installed packages. It does not
# change the system.
newcomer_private_apt() {
    local dir=$1

    shift
    apt-get -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$dir/lists" \
        -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root "$@"
}


# Unpacks the QEMU of the backports, and its dependencies that are not installed, into the
# new directory $1/root.
newcomer_qemu_unpack() {
    local dir=$1 apt=$1/apt suite packages package

    mkdir -p "$dir/root" "$dir/packages" "$apt/lists/partial" "$apt/cache/archives/partial" || return
    { newcomer_sources '' && newcomer_sources -backports; } > "$apt/sources.list"
    suite=$(sed -n 's/.* \([^ ]*-backports\) .*/\1/p' "$apt/sources.list" | head -n 1)
    if test -z "$suite"; then
        echo "apt's configuration names no mirror of this release"
        return 1
    fi
    newcomer_private_apt "$apt" update || return
    packages=$(newcomer_private_apt "$apt" -s -t "$suite" --no-install-recommends \
                   install qemu-system-x86 | sed -n 's/^Inst \([^ ]*\) .*(\([^ ]*\) .*/\1=\2/p')
    echo "to unpack: $packages"
    test -n "$packages" || return
    # shellcheck disable=SC2086 # the list is words
    (cd "$dir/packages" && newcomer_private_apt "$apt" download $packages) || return
    for package in "$dir"/packages/*.deb; do
        dpkg-deb -x "$package" "$dir/root" || return
    done
    rm -rf "$apt" "$dir/packages" "$dir/root/usr/share/doc" "$dir/root/usr/share/man"
    # QEMU looks for its modules and firmware in the directory qemu-bundle beside itself if
    # that exists, and else in the directories of an installation.
    ln -s ../.. "$dir/root/usr/bin/qemu-bundle" || return
    for package in usr/share/seabios usr/lib/ipxe usr/share/qemu; do
        test -d "$dir/root/$package" || ! test -d "/$package" ||
            { mkdir -p "$(dirname "$dir/root/$package")" && cp -a "/$package" "$dir/root/$package"; } || return
    done
    LD_LIBRARY_PATH=$(newcomer_qemu_libraries "$dir/root") newcomer_qemu_suits "$dir/root"
}


# Prints the directories with libraries under the directory $1, for LD_LIBRARY_PATH.
newcomer_qemu_libraries() {
    find "$1" -name '*.so.*' -printf '%h\n' | grep -v /qemu$ | sort -u | paste -s -d :
}


newcomer_qemu() {
    local log=$1 dir=$2 kernel=$3 version

    newcomer_accel=tcg
    newcomer_qemu_root=
    version=$(qemu-system-x86_64 --version | sed -n '1s/^QEMU emulator version \([0-9.]*\).*/\1/p')
    if newcomer_qemu_suits ''; then
        newcomer_note "QEMU $version, as installed"
        return 0
    fi
    if newcomer_kvm_boots "$kernel"; then
        newcomer_accel=kvm
        newcomer_note "QEMU $version, as installed, with KVM"
        return 0
    fi

    newcomer_qemu_root=$dir/root
    if ! LD_LIBRARY_PATH=$(newcomer_qemu_libraries "$dir/root" 2>/dev/null) newcomer_qemu_suits "$dir/root"; then
        rm -rf "$dir.new"
        newcomer_run "$log" newcomer_qemu_unpack "$dir.new" || return
        rm -rf "$dir"
        mv "$dir.new" "$dir" || return
    fi
    version=$(LD_LIBRARY_PATH=$(newcomer_qemu_libraries "$dir/root") \
              "$dir/root/usr/bin/qemu-system-x86_64" --version |
              sed -n '1s/^QEMU emulator version \([0-9.]*\).*/\1/p')
    newcomer_note "QEMU $version from the release's backports, not installed: the installed one needs KVM"
}
