"""What a project has: it publishes an artifact to Amazon ECR, and knows nothing of fakes."""

import hashlib
import json

import boto3

MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"


def publish(repository: str, tag: str, content: bytes) -> str:
    """Upload the content as an image's only layer, tag it, and answer the image's digest."""
    ecr = boto3.client("ecr")
    config = {"mediaType": "application/vnd.oci.image.config.v1+json"} | upload(ecr, repository, b"{}\n")
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar"} | upload(ecr, repository, content)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": config, "layers": [layer]})
    try:
        ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest)
    except ecr.exceptions.ImageAlreadyExistsException:
        pass  # by an attempt whose reply was lost, or by a run before this one
    return digest(manifest.encode())


def upload(ecr, repository: str, blob: bytes) -> dict:
    begun = ecr.initiate_layer_upload(repositoryName=repository)
    for first in range(0, len(blob), begun["partSize"]):
        part = blob[first : first + begun["partSize"]]
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=begun["uploadId"],
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
    try:
        ecr.complete_layer_upload(
            repositoryName=repository, uploadId=begun["uploadId"], layerDigests=[digest(blob)]
        )
    except ecr.exceptions.LayerAlreadyExistsException:
        pass
    return {"digest": digest(blob), "size": len(blob)}


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
