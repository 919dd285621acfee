#!/usr/bin/env bash
# Pushes and pulls by ECR's own name on another port, with passwords that Amazon's
# credential helper for Docker fetches from the program, and asks the kubelet's
# credential provider for one.
set -euo pipefail
cd "$(dirname "$0")"

for need in docker-credential-ecr-login unshare; do
	type -P "$need" >/dev/null || { echo "no $need"; exit 77; }
done
registry=123456789012.dkr.ecr.us-east-1.amazonaws.com

# A machine of its own would have the registry's name in its hosts file. Here only this
# script sees one that has.
if [ "${1:-}" != inside ]; then
	unshare --map-root-user --mount true || { echo 'no namespace for a hosts file'; exit 77; }
	exec unshare --map-root-user --mount bash "$PWD/test.sh" inside
fi

work=$(mktemp -d)
trap 'kill "${program:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
{ cat /etc/hosts; echo "127.0.0.1 $registry"; } >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts

mkfifo "$work/output"
"${FAKEECR:-fakeecr}" -tls -tls-ca "$work/ca.crt" -repository team/app >"$work/output" &
program=$!
exec 3<"$work/output"
read -r line <&3
url=${line##* }
host=$registry:${url##*:} # the port is part of it

# Nothing else on the machine may lead a program elsewhere, and nothing stays on it.
for name in $(compgen -e AWS_); do unset "$name"; done
export AWS_ENDPOINT_URL_ECR=$url AWS_REGION=us-east-1 NO_PROXY=127.0.0.1,$registry
export AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=any # 12 digits are the account
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export AWS_CA_BUNDLE=$work/ca.crt SSL_CERT_FILE=$work/ca.crt
export HOME=$work DOCKER_CONFIG=$work/docker AWS_ECR_DISABLE_CACHE=true

mkdir "$work/docker"
printf '{"credHelpers": {"%s": "ecr-login"}}' "$host" >"$work/docker/config.json"

control() { curl -sSf --noproxy '*' --cacert "$work/ca.crt" "$url/_fakeecr/$1"; }

# called is what the calls of an operation came to.
called() { control "trace?operation=$1" | sed 's/.* -> //; s/ \[.*//' | sort -u; }

equal() {
	if [ "$1" != "$2" ]; then
		printf '%s: got %q, want %q\n' "$tool" "$1" "$2"
		control trace
		exit 1
	fi
}

same() { cmp "$work/image/blobs/sha256/${image#sha256:}" "$work/$tool/blobs/sha256/${image#sha256:}"; }

skopeo() {
	command skopeo --insecure-policy copy --preserve-digests --dest-cert-dir "$work" "oci:$work/image" "docker://$host/team/app:skopeo"
	command skopeo --insecure-policy copy --src-cert-dir "$work" "docker://$host/team/app:skopeo" "oci:$work/skopeo"
	same
}

regctl() {
	command regctl image copy "ocidir://$work/image@$image" "$host/team/app:regctl"
	command regctl image copy "$host/team/app:regctl" "ocidir://$work/regctl"
	same
}

# The kubelet starts the provider with what it wants an image for.
ecr-credential-provider() {
	local response password
	response=$(command ecr-credential-provider 2>/dev/null <<<'{"apiVersion":"credentialprovider.kubelet.k8s.io/v1","kind":"CredentialProviderRequest","image":"'"$host"'/team/app:v1"}')
	password=$(sed 's/.*"password":"\([^"]*\)".*/\1/' <<<"$response")
	curl -sSf --noproxy '*' --cacert "$work/ca.crt" --user "AWS:$password" "https://$host/v2/"
}

. ../oci/image.sh
build
tools=()
missing=
for tool in skopeo regctl ecr-credential-provider; do
	if type -P "$tool" >/dev/null; then tools+=("$tool"); else missing+=" $tool"; fi
done
if [ ${#tools[@]} -eq 0 ]; then
	echo "no$missing"
	exit 77 # skipped, for the reason that is printed last
fi
for tool in "${tools[@]}"; do
	"$tool"
	equal "$(called GetAuthorizationToken)" ok
	echo "ok $tool"
done
[ -z "$missing" ] || echo "without$missing"
