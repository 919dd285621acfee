#!/usr/bin/env bash
# Releases an image to the program, which is a proxy, by ECR's own names.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'kill "${program:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
mkfifo "$work/output"
"${FAKEECR:-fakeecr}" -proxy -env "$work/env" -repository team/app >"$work/output" 2>"$work/log" &
program=$!
exec 3<"$work/output"
read -r line <&3
url=${line##* }

# What the machine says of AWS, of proxies and of those who need none counts no more.
unset AWS_PROFILE AWS_DEFAULT_PROFILE
set -a
. "$work/env"
set +a
export REGISTRY_AUTH_FILE=$work/auth.json
registry=$AWS_ACCESS_KEY_ID.dkr.ecr.$AWS_REGION.amazonaws.com # 12 digits are the account

control() { curl -sSf --noproxy '*' "$url/_fakeecr/$1" "${@:2}"; }
fail() {
	echo "$*"
	cat "$work/log"
	control trace
	exit 1
}

. ../oci/image.sh
build
released=$(python3 release.py "$work/image" team/app v1)
[ "${released##*$'\n'}" = "$image" ] || fail "released $released, and not $image"

# The layers of what is pulled come from S3's own name.
password=$(python3 -c 'import boto3; print(boto3.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"])' | base64 -d)
skopeo --insecure-policy copy --src-creds "$password" "docker://$registry/team/app:v1" "oci:$work/pulled"
cmp "$work/image/blobs/sha256/${image#sha256:}" "$work/pulled/blobs/sha256/${image#sha256:}"
[ -n "$(control 'trace?operation=DownloadLayer')" ] || fail 'no layer came from here'

# Nothing else is to be had, nor is the program itself.
! skopeo inspect docker://docker.io/library/alpine 2>"$work/said" || fail 'docker.io was there'
grep -q 'not to \\"registry-1.docker.io:443\\"' "$work/said" || fail "$(cat "$work/said")"
grep -q 'not to "registry-1.docker.io:443"' "$work/log" || fail 'it did not say so'
[ "$(curl -s -o "$work/said" -w '%{http_code}' "https://$registry/_fakeecr/trace")" = 404 ] || fail 'the proxy leads to the program'
