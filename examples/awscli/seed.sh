#!/usr/bin/env bash
# What the tests begin with: an image with one layer that has the tag candidate.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

digest_of() { printf 'sha256:%s' "$(sha256sum "$1" | cut -d ' ' -f 1)"; }

# upload uploads a file as a blob.
upload() {
	local upload
	upload=$(aws ecr initiate-layer-upload --repository-name team/app --query uploadId --output text)
	aws ecr upload-layer-part --repository-name team/app --upload-id "$upload" --part-first-byte 0 \
		--part-last-byte $(($(wc -c <"$1") - 1)) --layer-part-blob "fileb://$1" >/dev/null
	aws ecr complete-layer-upload --repository-name team/app --upload-id "$upload" --layer-digests "$(digest_of "$1")" >/dev/null
}

aws ecr create-repository --repository-name team/app >/dev/null
printf '{}\n' >"$work/config"
printf 'the release' >"$work/layer"
upload "$work/config"
upload "$work/layer"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":3},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"%s","size":11}]}' \
	"$(digest_of "$work/config")" "$(digest_of "$work/layer")" >"$work/manifest"
aws ecr put-image --repository-name team/app --image-tag candidate --image-manifest "file://$work/manifest" >/dev/null
