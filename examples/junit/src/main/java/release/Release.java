package release;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.ecr.EcrClient;
import software.amazon.awssdk.services.ecr.model.ImageAlreadyExistsException;
import software.amazon.awssdk.services.ecr.model.LayerAlreadyExistsException;

/** What a project has: it publishes an artifact to Amazon ECR, and knows nothing of fakes. */
public final class Release {
    private static final String MANIFEST = """
            {
              "schemaVersion": 2,
              "mediaType": "application/vnd.oci.image.manifest.v1+json",
              "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "%s", "size": %d},
              "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "%s", "size": %d}]
            }
            """;

    private final EcrClient ecr;

    public Release(EcrClient ecr) {
        this.ecr = ecr;
    }

    /** Uploads the content as an image's only layer, tags it, and answers the image's digest. */
    public String publish(String repository, String tag, byte[] content) {
        byte[] config = bytes("{}\n");
        upload(repository, config);
        upload(repository, content);
        String manifest = MANIFEST.formatted(digest(config), config.length, digest(content), content.length);
        try {
            ecr.putImage(put -> put.repositoryName(repository).imageTag(tag).imageManifest(manifest));
        } catch (ImageAlreadyExistsException e) {
            // By an attempt whose reply was lost, or by a run before this one.
        }
        return digest(bytes(manifest));
    }

    private void upload(String repository, byte[] blob) {
        String upload = ecr.initiateLayerUpload(begin -> begin.repositoryName(repository)).uploadId();
        ecr.uploadLayerPart(part -> part.repositoryName(repository)
                .uploadId(upload)
                .partFirstByte(0L)
                .partLastByte(blob.length - 1L)
                .layerPartBlob(SdkBytes.fromByteArray(blob)));
        try {
            ecr.completeLayerUpload(done -> done.repositoryName(repository)
                    .uploadId(upload)
                    .layerDigests(digest(blob)));
        } catch (LayerAlreadyExistsException e) {
            // It is there.
        }
    }

    private static String digest(byte[] content) {
        try {
            return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
