#!/usr/bin/env bash
# What a project has: it gives the image that has one tag another.
#
#	promote.sh team/app candidate stable
set -euo pipefail
repository=$1 from=$2 to=$3

manifest=$(aws ecr batch-get-image --repository-name "$repository" --image-ids "imageTag=$from" \
	--query 'images[].imageManifest' --output text)
if [ -z "$manifest" ]; then
	echo "$repository has no image $from" >&2
	exit 1
fi
if ! said=$(aws ecr put-image --repository-name "$repository" --image-tag "$to" --image-manifest "$manifest" 2>&1 >/dev/null); then
	case $said in
	*ImageAlreadyExistsException*) ;; # by an attempt whose reply was lost, or by a run before this one
	*)
		echo "$said" >&2
		exit 1
		;;
	esac
fi
