#!/bin/sh
# What tests/vm boots: Debian's cloud kernel and a root of Debian's packages, with and without systemd in charge.
# Prints the folder that holds vmlinuz, initrd and root.img; made once for each version of this file (two minutes),
# in a place that all checkouts of this machine share.  Nothing of the kernel's package is installed here.
set -eu
cd "$(dirname "$0")/.."
umask 022
recipe=$(sha256sum <scripts/guest.sh | cut -c1-16)
cache=/var/cache/ipycontainer-tests/guest
made=$cache/$recipe

say() { printf '%s\n' "$*" >&2; }
lacking() {
    for pair in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap cpio:cpio mkfs.ext4:e2fsprogs; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%:*}" >/dev/null || echo "${pair#*:}"
    done
}
skip() {
    say "No virtual machine to test in: $*"
    exit 1
}

[ "$(uname -m)" = x86_64 ] || skip "it is made for x86_64, and this is $(uname -m)."
if [ ! -e "$made/root.img" ]; then
    [ "$(id -u)" = 0 ] || skip "root makes it once from Debian's packages (sudo scripts/guest.sh)."
    command -v apt-get >/dev/null || skip "it is made from Debian's packages, and there is no apt-get here."
fi
if [ -n "$(lacking)" ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || skip "missing: $(lacking | tr '\n' ' ')(root's scripts/guest.sh installs it)."
    export DEBIAN_FRONTEND=noninteractive
    say "Installing with apt: $(lacking | tr '\n' ' ')"
    # shellcheck disable=SC2046  # a list of names
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends $(lacking); } >/dev/null 2>&1 </dev/null ||
        skip "apt-get could not install $(lacking | tr '\n' ' ')"
fi
if [ -e "$made/root.img" ]; then
    echo "$made"
    exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ -e "$made/root.img" ]; then # somebody else made it while we waited
    echo "$made"
    exit 0
fi
work=$(mktemp -d "$cache/making.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
say "Making the virtual machine's disk from Debian's packages (two minutes, once) …"

# Kernel and busybox: unpacked from their packages.  A package list that was never fetched has no candidates.
kernel() { apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1; }
[ -n "$(kernel)" ] || apt-get -qq update >/dev/null 2>&1 </dev/null || true
[ -n "$(kernel)" ] || skip "apt knows no linux-image-cloud-amd64."
mkdir "$work/packages" "$work/unpacked"
(cd "$work/packages" && apt-get -qq download "$(kernel)" busybox-static >/dev/null 2>&1 </dev/null) ||
    (apt-get -qq update && cd "$work/packages" && apt-get -qq download "$(kernel)" busybox-static) >/dev/null 2>&1 </dev/null ||
    skip "apt could not download $(kernel)."
for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
version=$(ls "$work/unpacked/lib/modules")

# The first file system: finds the disks and hands over to the root's own init.
first=$work/first
mkdir -p "$first/bin" "$first/modules" "$first/proc" "$first/dev" "$first/root"
cp "$work/unpacked/bin/busybox" "$first/bin/busybox"
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk overlay; do
    find "$work/unpacked/lib/modules" -name "$module.ko" -exec cp {} "$first/modules/" \;
done
cat >"$first/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk overlay; do
    [ ! -e /modules/$module.ko ] || insmod /modules/$module.ko
done
while [ ! -b /dev/vdb ]; do usleep 20000; done
mount -t ext4 /dev/vda /root
mount -t ext4 /dev/vdb /root/checkout
[ ! -b /dev/vdc ] || mount -t ext4 -o commit=60 /dev/vdc /root/state
init=/checkout/tests/vm/inside/init
for word in $(cat /proc/cmdline); do case $word in guest.init=*) init=${word#guest.init=} ;; esac; done
umount /proc
mount --move /dev /root/dev
exec switch_root /root $init
INIT
chmod 755 "$first/init"
(cd "$first" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd"

# The root.  systemd is on the disk either way; the bare flavour never starts it.
packages=systemd,systemd-sysv,udev,dbus,dbus-user-session,libpam-systemd,python3,python3-venv,uidmap,iproute2,procps
packages=$packages,kmod,util-linux,passwd,login,e2fsprogs,libc-bin,nftables,libeatmydata1
export MODULES="$work/unpacked/lib/modules" VERSION="$version"
# shellcheck disable=SC2016  # $1 is mmdebstrap's, for its hook
mmdebstrap --mode=root --variant=apt --quiet --include="$packages" \
    --aptopt='Apt::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='mkdir -p "$1/usr/lib/modules" && cp -r "$MODULES/$VERSION" "$1/usr/lib/modules/"' \
    --customize-hook='chroot "$1" depmod "$VERSION"' \
    --customize-hook='mkdir "$1/checkout" "$1/state"; rm -f "$1/etc/resolv.conf" "$1/etc/machine-id" "$1"/etc/subuid "$1"/etc/subgid' \
    --customize-hook='echo guest >"$1/etc/hostname"; echo uninitialized >"$1/etc/machine-id"' \
    bookworm "$work/root" >"$work/log" 2>&1 </dev/null || {
    cat "$work/log" >&2
    skip "mmdebstrap could not make a root (its own words are above)."
}
touch "$work/root/etc/subuid" "$work/root/etc/subgid"
truncate -s 3G "$work/root.img"
mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 -d "$work/root" "$work/root.img"
cp "$work/unpacked/boot/vmlinuz-$version" "$work/vmlinuz"
rm -rf "$work/root" "$work/unpacked" "$work/packages" "$first"
chmod 644 "$work/root.img" "$work/vmlinuz" "$work/initrd"
rm -rf "$made"
mv "$work" "$made"
# Only what an older version of this file made goes; a checkout that still has that version makes it again.
find "$cache" -mindepth 1 -maxdepth 1 -type d ! -name "$recipe" -mtime +14 -exec rm -rf {} +
echo "$made"
