package release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ecr.EcrClient;
import software.amazon.awssdk.services.ecr.model.ImageIdentifier;
import software.amazon.awssdk.services.ecr.model.RepositoryNotFoundException;

class ReleaseTest {
    @RegisterExtension
    static final FakeEcr fake = new FakeEcr();

    private static final byte[] CONTENT = "the release".getBytes();

    private EcrClient ecr;
    private Release release;

    @BeforeEach
    void client() {
        ecr = EcrClient.builder()
                .endpointOverride(fake.url())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("123456789012", "any")))
                .build();
        release = new Release(ecr);
    }

    private List<ImageIdentifier> released() {
        return ecr.listImages(list -> list.repositoryName("team/app")).imageIds();
    }

    private static List<ImageIdentifier> only(String digest, String tag) {
        return List.of(ImageIdentifier.builder().imageDigest(digest).imageTag(tag).build());
    }

    @Test
    void publishes() {
        assertEquals(only(release.publish("team/app", "v1", CONTENT), "v1"), released());
    }

    @Test
    void eachTestBeginsAnew() {
        assertEquals(List.of(), released());
    }

    @Test
    void theRepositoryMustExist() {
        var refused = assertThrows(
                RepositoryNotFoundException.class, () -> release.publish("team/other", "v1", CONTENT));
        assertEquals(
                "The repository with name 'team/other' does not exist in the registry with id '123456789012'",
                refused.awsErrorDetails().errorMessage());
    }

    @Test
    void throttlingIsSurvived() {
        fake.play("""
                {"rules": [{"on": "PutImage", "when": {"first": 2},
                  "do": {"fail": {"code": "ThrottlingException", "message": "Rate exceeded"}}}]}
                """);
        assertEquals(only(release.publish("team/app", "v1", CONTENT), "v1"), released());
        assertEquals(3, fake.count("PutImage"));
    }

    @Test
    void aLostReplyIsNoFailure() {
        // PutImage is carried out, and the client learns nothing of it. It tries again, and the image is there.
        fake.play("""
                {"rules": [{"on": "PutImage", "when": {"nth": 1}, "do": {"drop": true}}]}
                """);
        assertEquals(only(release.publish("team/app", "v1", CONTENT), "v1"), released());
        assertEquals(2, fake.count("PutImage"));
    }
}
