"""Releases an image: skopeo pushes it, and ECR says what it holds. Neither is told an
endpoint, so both go to ECR's own names."""

import base64
import subprocess
import sys

import boto3


def release(layout, repository, tag):
    ecr = boto3.client("ecr")
    account = boto3.client("sts").get_caller_identity()["Account"]
    registry = f"{account}.dkr.ecr.{ecr.meta.region_name}.amazonaws.com"
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    login = ["--dest-creds", base64.b64decode(token).decode()]
    copy = ["skopeo", "--insecure-policy", "copy", "--preserve-digests"]
    subprocess.run([*copy, *login, f"oci:{layout}", f"docker://{registry}/{repository}:{tag}"], check=True)
    (image,) = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    return image["imageDigest"]


if __name__ == "__main__":
    print(release(*sys.argv[1:]))
