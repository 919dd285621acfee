#!/usr/bin/env bash
# Applies main.tf, sees that nothing is left to change, and destroys what it made.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'kill "${program:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

for name in $(compgen -e AWS_); do unset "$name"; done
# From $FAKEECR or the PATH: go install github.com/fakeecr/ecr/fakeecr/cmd/fakeecr@latest
mkfifo "$work/output"
"${FAKEECR:-fakeecr}" -env "$work/env" >"$work/output" &
program=$!
exec 3<"$work/output"
read -r line <&3
url=${line##* }
set -a
. "$work/env" # what leads the provider to the program, also where it asks STS
set +a
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

equal "$(calls GetCallerIdentity | sed 's/^0$/none/;s/^[0-9]*$/some/')" some

terraform destroy -no-color -auto-approve -refresh=false
equal "$(calls DeleteRepository)" 1
