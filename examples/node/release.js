// What a project has: it publishes an artifact to Amazon ECR, and knows nothing of fakes.
import { createHash } from "node:crypto";
import {
  CompleteLayerUploadCommand,
  ECRClient,
  ImageAlreadyExistsException,
  InitiateLayerUploadCommand,
  LayerAlreadyExistsException,
  PutImageCommand,
  UploadLayerPartCommand,
} from "@aws-sdk/client-ecr";

const mediaType = "application/vnd.oci.image.manifest.v1+json";

/** Uploads the content as an image's only layer, tags it, and answers the image's digest. */
export async function publish(repositoryName, imageTag, content) {
  const ecr = new ECRClient({});
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", ...(await upload(ecr, repositoryName, Buffer.from("{}\n"))) };
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", ...(await upload(ecr, repositoryName, content)) };
  const imageManifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] });
  try {
    await ecr.send(new PutImageCommand({ repositoryName, imageTag, imageManifest }));
  } catch (error) {
    // By an attempt whose reply was lost, or by a run before this one.
    if (!(error instanceof ImageAlreadyExistsException)) throw error;
  }
  return digest(imageManifest);
}

async function upload(ecr, repositoryName, blob) {
  const { uploadId, partSize } = await ecr.send(new InitiateLayerUploadCommand({ repositoryName }));
  for (let first = 0; first < blob.length; first += partSize) {
    const part = blob.subarray(first, first + partSize);
    await ecr.send(
      new UploadLayerPartCommand({
        repositoryName,
        uploadId,
        partFirstByte: first,
        partLastByte: first + part.length - 1,
        layerPartBlob: part,
      }),
    );
  }
  try {
    await ecr.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests: [digest(blob)] }));
  } catch (error) {
    if (!(error instanceof LayerAlreadyExistsException)) throw error;
  }
  return { digest: digest(blob), size: blob.length };
}

const digest = (content) => "sha256:" + createHash("sha256").update(content).digest("hex");
