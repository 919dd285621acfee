#!/usr/bin/env bash
# Builds the image of the program with podman or buildah, runs it, and calls it by what
# it wrote for its clients.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
tool=$(type -P podman || type -P buildah)
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
images() { "$tool" --root "$work/storage" --runroot "$work/run" "$@"; }

# stop ends the program itself, to which buildah passes no signal.
stop() {
	local last=$1 child
	while [ "$(basename "$tool")" = buildah ] && child=$(ps -o pid= --ppid "$last"); do last=$child; done
	kill $last 2>/dev/null || true
}
trap '[ -z "${program:-}" ] || stop "$program"; wait; [ -z "${container:-}" ] || images rm "$container" >/dev/null; rm -rf "$work"' EXIT

mkdir "$work/image" "$work/env"
CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$work/image/" ./fakeecr/cmd/fakeecr
images build --quiet --tag fakeecr --file fakeecr/cmd/fakeecr/Containerfile "$work/image" >/dev/null
echo "the image has $(($(wc -c <"$work/image/fakeecr") >> 20)) MiB"

# On a port that nothing else listens on, and not for other machines.
flags=(-addr 127.0.0.1:0 -env /env/fakeecr.env -repository team/app)
mkfifo "$work/output"
if [ "$(basename "$tool")" = podman ]; then
	images run --rm --network host --volume "$work/env:/env" fakeecr "${flags[@]}" >"$work/output" &
else # which runs a command and not the image's own
	container=$(images from fakeecr)
	read -ra own < <(images inspect --format '{{join .OCIv1.Config.Entrypoint " "}}' "$container" 2>/dev/null || echo /fakeecr)
	images run --network host --volume "$work/env:/env" "$container" -- "${own[@]}" "${flags[@]}" >"$work/output" &
fi
program=$!
exec 3<"$work/output"
read -r line <&3

set -a
. "$work/env/fakeecr.env"
set +a
[ "${line##* }" = "$AWS_ENDPOINT_URL_ECR" ]

says() { # what it is asked with curl's arguments, and what it is to say
	local said
	said=$(curl -sS --noproxy '*' "${@:2}")
	[[ $said == *"$1"* ]] || { echo "it said $said, without $1"; exit 1; }
}
says '<Account>123456789012</Account>' "$AWS_ENDPOINT_URL_STS" -d 'Action=GetCallerIdentity&Version=2011-06-15'
says '"repositoryName":"team/app"' "$AWS_ENDPOINT_URL_ECR" -d '{}' \
	-H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.DescribeRepositories'
