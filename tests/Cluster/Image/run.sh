#!/usr/bin/env bash
# run.sh ROOT SECRETS USER FOLDER [NAME=VALUE...] PROGRAM [ARGUMENT...]: becomes PROGRAM as a container engine would start it from an image
# that is mounted at ROOT. Its root is read-only. It sees proc, dev and the secrets beside it, and can write to new places for data and
# temporary files only. It is USER and can become nobody else. Run it within `unshare --mount`.
set -euo pipefail
root=$1 secrets=$2 user=$3 folder=$4
shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc -o ro proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o "uid=${user%:*},gid=${user#*:},mode=700" tmpfs "$root/var/lib/boon"
mount -t tmpfs tmpfs "$root/run"
mkdir "$root/run/secrets"
mount --bind "$secrets" "$root/run/secrets"
mount -o remount,bind,ro "$root/run/secrets"
mount -o remount,ro "$root/run"
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" /usr/bin/env -i --chdir="$folder" "$@"
