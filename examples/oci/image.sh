# An image of one file in an OCI layout at $work/image, and its digest as $image.

# blob puts a file into the image on the disk and prints its descriptor.
blob() {
	local sum
	sum=$(sha256sum "$2" | cut -d ' ' -f 1)
	cp "$2" "$work/image/blobs/sha256/$sum"
	printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d}' "$1" "$sum" "$(wc -c <"$2")"
}

# build makes the image.
build() {
	local config layer manifest
	mkdir -p "$work/content" "$work/image/blobs/sha256"
	printf 'the release' >"$work/content/release"
	tar -cf "$work/layer.tar" -C "$work/content" release
	gzip -nk "$work/layer.tar"
	layer=$(blob layer.v1.tar+gzip "$work/layer.tar.gz")
	printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)" >"$work/config"
	config=$(blob config.v1+json "$work/config")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
		"$config" "$layer" >"$work/manifest"
	manifest=$(blob manifest.v1+json "$work/manifest")
	printf '{"schemaVersion":2,"manifests":[%s]}' "$manifest" >"$work/image/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$work/image/oci-layout"
	image=sha256:$(sha256sum "$work/manifest" | cut -d ' ' -f 1)
}
