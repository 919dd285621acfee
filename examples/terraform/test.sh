#!/usr/bin/env bash
# Applies main.tf, sees that nothing is left to change, and destroys what it made.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'kill ${programs:-} 2>/dev/null || true; rm -rf "$work"' EXIT

# start runs a program and sets url to what ends its first line.
start() {
	local line
	mkfifo "$work/$2"
	"$1" >"$work/$2" &
	programs="${programs:-} $!"
	exec {output}<"$work/$2"
	read -r line <&"$output"
	url=${line##* }
}

for name in $(compgen -e AWS_); do unset "$name"; done
go build -o "$work/sts" ./sts
start "$work/sts" sts-output
export AWS_ENDPOINT_URL_STS=$url
# From $FAKEECR or the PATH: go install github.com/fakeecr/ecr/fakeecr/cmd/fakeecr@latest
start "${FAKEECR:-fakeecr}" fakeecr-output
export AWS_ENDPOINT_URL_ECR=$url
export AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=any NO_PROXY=127.0.0.1
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1

control() { curl -sSf --noproxy '*' -H 'Content-Type: application/json' -X "$1" "$url/_fakeecr/$2" "${@:3}"; }
calls() { control GET "trace?operation=$1" | wc -l; }

equal() {
	if [ "$1" != "$2" ]; then
		printf 'got %q, want %q\n' "$1" "$2"
		control GET trace
		exit 1
	fi
}

cp main.tf "$work"
cd "$work"
# 77 says that it is skipped, for the reason that is printed last.
terraform init -no-color || { echo 'terraform init cannot have the aws provider'; exit 77; }

# The provider tries again what is throttled.
control POST scenario -d '{"rules": [{"on": "CreateRepository", "when": {"first": 2}, "do": {"fail": {"code": "ThrottlingException", "message": "Rate exceeded"}}}]}' >/dev/null
terraform apply -no-color -auto-approve
control DELETE scenario
equal "$(calls CreateRepository)" 3
equal "$(terraform output -raw repository_url)" 123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app

# What was written is what is read.
terraform plan -no-color -detailed-exitcode

terraform destroy -no-color -auto-approve -refresh=false
equal "$(calls DeleteRepository)" 1
