#!/usr/bin/env bash
# Pushes and pulls over TLS with the programs that are there of crane, helm, oras,
# skopeo and podman.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'kill "${program:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

# The program's first line says where it listens. It comes from $FAKEECR or the PATH:
# go install github.com/fakeecr/ecr/fakeecr/cmd/fakeecr@latest
mkfifo "$work/output"
mkdir "$work/trusted"
"${FAKEECR:-fakeecr}" -tls -tls-ca "$work/trusted/ca.crt" -repository team/app -repository team/chart >"$work/output" &
program=$!
exec 3<"$work/output"
read -r line <&3
url=${line##* }
host=${url#https://}

# Nothing else on the machine may lead a program elsewhere, and nothing stays on it.
for name in $(compgen -e AWS_); do unset "$name"; done
export AWS_ENDPOINT_URL_ECR=$url AWS_DEFAULT_REGION=us-east-1 NO_PROXY=127.0.0.1
export AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=any # 12 digits are the account
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_PAGER=''
export AWS_CA_BUNDLE=$work/trusted/ca.crt SSL_CERT_FILE=$work/trusted/ca.crt
export DOCKER_CONFIG=$work/docker REGISTRY_AUTH_FILE=$work/auth.json
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm

control() { curl -sSf --noproxy '*' --cacert "$work/trusted/ca.crt" -H 'Content-Type: application/json' -X "$1" "$url/_fakeecr/$2" "${@:3}"; }
play() { control POST scenario -d "{\"rules\": [$1]}" >/dev/null; }

equal() {
	if [ "$1" != "$2" ]; then
		printf '%s: got %q, want %q\n' "$tool" "$1" "$2"
		control GET trace
		exit 1
	fi
}

# digest is what ECR says of a tag.
digest() { aws ecr describe-images --repository-name "$1" --image-ids "imageTag=$2" --query 'imageDetails[].imageDigest' --output text; }

login() { "$@" --username AWS --password-stdin "$host" <<<"$password"; }

crane() {
	login command crane auth login
	# A part that is refused for a while is sent again.
	play '{"on": "UploadLayerPart", "when": {"first": 1}, "do": {"fail": {"status": 503}}}'
	command crane push "$work/image" "$host/team/app:crane"
	equal "$(digest team/app crane)" "$image"
	command crane tag "$host/team/app:crane" stable
	equal "$(command crane digest "$host/team/app:stable")" "$image"
	equal "$(command crane export "$host/team/app:stable" - | tar -xO release)" 'the release'
	# What comes back damaged is no success.
	play '{"on": "DownloadLayer", "when": {"first": 1}, "do": {"flip": 20}}'
	if command crane export "$host/team/app:stable" "$work/exported"; then
		equal 'damaged' 'refused'
	fi
}

helm() {
	login command helm registry login --ca-file "$work/trusted/ca.crt"
	command helm create "$work/chart"
	command helm package "$work/chart" --destination "$work"
	command helm push "$work/chart-0.1.0.tgz" "oci://$host/team" --ca-file "$work/trusted/ca.crt"
	command helm pull "oci://$host/team/chart" --version 0.1.0 --destination "$work/trusted" --ca-file "$work/trusted/ca.crt"
	cmp "$work/chart-0.1.0.tgz" "$work/trusted/chart-0.1.0.tgz"
}

oras() {
	login command oras login --ca-file "$work/trusted/ca.crt"
	(
		cd "$work"
		command oras push --ca-file trusted/ca.crt "$host/team/app:oras" layer.tar.gz
		command oras attach --ca-file trusted/ca.crt --artifact-type application/vnd.example.sbom "$host/team/app:oras" layer.tar.gz
	)
	equal "$(command oras discover --ca-file "$work/trusted/ca.crt" --format json "$host/team/app:oras" | grep -c application/vnd.example.sbom)" 1
}

skopeo() {
	login command skopeo login --cert-dir "$work/trusted"
	command skopeo copy --dest-cert-dir "$work/trusted" "oci:$work/image" "docker://$host/team/app:skopeo"
	equal "$(digest team/app skopeo)" "$image"
	command skopeo copy --src-cert-dir "$work/trusted" "docker://$host/team/app:skopeo" "oci:$work/copied"
	cmp "$work/image/blobs/sha256/${image#sha256:}" "$work/copied/blobs/sha256/${image#sha256:}"
}

podman() {
	local stored
	run() { command podman --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
	login command podman login --cert-dir "$work/trusted"
	stored=$(run import --quiet "$work/layer.tar" "$host/team/app:podman")
	run push --cert-dir "$work/trusted" "$host/team/app:podman"
	run rmi "$host/team/app:podman"
	equal "$(run pull --quiet --cert-dir "$work/trusted" "$host/team/app:podman")" "${stored#sha256:}"
}

. ./image.sh

tools=()
missing=
for tool in crane helm oras skopeo podman; do
	if type -P "$tool" >/dev/null; then tools+=("$tool"); else missing+=" $tool"; fi
done
if [ ${#tools[@]} -eq 0 ]; then
	echo "no$missing"
	exit 77 # skipped, for the reason that is printed last
fi

build
password=$(aws ecr get-login-password)

for tool in "${tools[@]}"; do
	"$tool"
	control DELETE scenario # a rule that never fired fails the test, as it proved nothing
	echo "ok $tool"
done
[ -z "$missing" ] || echo "without$missing"
