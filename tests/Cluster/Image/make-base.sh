#!/usr/bin/env bash
# make-base.sh NAME DOTNET [OPTION...]: an image of Debian with the .NET of a folder, for where no registry of images can be reached. It
# stands for both bases of the Dockerfile: the build mounts the SDK over the runtime that is copied here. The options are buildah's.
set -euo pipefail
name=$1 dotnet=$2
shift 2
options=("$@")
buildah() { command buildah "${options[@]}" "$@"; }
container=$(buildah from scratch)
trap 'buildah rm "$container" >/dev/null' EXIT
root=$(buildah mount "$container")
mmdebstrap --quiet --variant=minbase --include=libicu72,libssl3,libstdc++6,ca-certificates,tzdata \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  bookworm "$root"
mkdir -p "$root/usr/share/dotnet/shared"
cp "$dotnet/dotnet" "$root/usr/share/dotnet/"
cp -r "$dotnet/host" "$root/usr/share/dotnet/"
cp -r "$dotnet/shared/Microsoft.NETCore.App" "$dotnet/shared/Microsoft.AspNetCore.App" "$root/usr/share/dotnet/shared/"
ln -s /usr/share/dotnet/dotnet "$root/usr/bin/dotnet"
buildah umount "$container" >/dev/null
buildah commit --quiet "$container" "$name" >/dev/null
