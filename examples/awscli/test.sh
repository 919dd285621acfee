#!/usr/bin/env bash
# Tests promote.sh with the AWS CLI, version 1 or 2.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'kill "${program:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

# The program's first line says where it listens. It comes from $FAKEECR or the PATH:
# go install github.com/fakeecr/ecr/fakeecr/cmd/fakeecr@latest
mkfifo "$work/output"
"${FAKEECR:-fakeecr}" >"$work/output" &
program=$!
exec 3<"$work/output"
read -r line <&3
url=${line##* }

# Nothing else on the machine may lead the CLI elsewhere.
for name in $(compgen -e AWS_); do unset "$name"; done
export AWS_ENDPOINT_URL_ECR=$url AWS_DEFAULT_REGION=us-east-1 NO_PROXY=127.0.0.1
export AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=any # 12 digits are the account
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_PAGER=''

control() { curl -sSf --noproxy '*' -H 'Content-Type: application/json' -X "$1" "$url/_fakeecr/$2" "${@:3}"; }
play() { control POST scenario -d "{\"rules\": [$1]}" >/dev/null; }
calls() { control GET "trace?operation=PutImage&tag=$1" | wc -l; }

# tagged is the digest of the image that has the tag.
tagged() { aws ecr describe-images --repository-name team/app --image-ids "imageTag=$1" --query 'imageDetails[].imageDigest' --output text; }

equal() {
	if [ "$1" != "$2" ]; then
		printf '%s: got %q, want %q\n' "$test" "$1" "$2"
		control GET trace
		exit 1
	fi
}

promotes() {
	./promote.sh team/app candidate stable
	equal "$(tagged stable)" "$candidate"
}

promotes_nothing() {
	equal "$(./promote.sh team/app v1 stable 2>&1 || true)" 'team/app has no image v1'
}

survives_throttling() {
	play '{"on": "PutImage", "when": {"first": 2}, "do": {"fail": {"code": "ThrottlingException", "message": "Rate exceeded"}}}'
	./promote.sh team/app candidate throttled
	equal "$(tagged throttled)" "$candidate"
	equal "$(calls throttled)" 3
}

survives_a_lost_reply() {
	# PutImage is carried out, and the CLI learns nothing of it. It tries again, and the image is there.
	play '{"on": "PutImage", "when": {"nth": 1}, "do": {"drop": true}}'
	./promote.sh team/app candidate lost
	equal "$(tagged lost)" "$candidate"
	equal "$(calls lost)" 2
}

# Each write loses its reply, or is the last call before the script is killed, and each
# batch has a failure. Each variation has a world of its own. Without -faults it is every
# failure at once, which takes the CLI a minute.
survives_everything() {
	"${FAKEECR:-fakeecr}" explore -faults reply_lost,killed,item_failed -setup ./seed.sh -- ./promote.sh team/app candidate stable
}

./seed.sh
candidate=$(tagged candidate)
for test in promotes promotes_nothing survives_throttling survives_a_lost_reply survives_everything; do
	"$test"
	control DELETE scenario # a rule that never fired fails the test, as it proved nothing
	echo "ok $test"
done
