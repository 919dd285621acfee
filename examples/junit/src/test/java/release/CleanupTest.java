package release;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.ecr.AmazonECR;
import com.amazonaws.services.ecr.AmazonECRClientBuilder;
import com.amazonaws.services.ecr.model.ListImagesRequest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ecr.EcrClient;

class CleanupTest {
    @RegisterExtension
    static final FakeEcr fake = new FakeEcr();

    private AmazonECR ecr;

    @BeforeEach
    void client() {
        ecr = AmazonECRClientBuilder.standard()
                .withEndpointConfiguration(new EndpointConfiguration(fake.url().toString(), "us-east-1"))
                .withCredentials(new AWSStaticCredentialsProvider(new BasicAWSCredentials("123456789012", "any")))
                .build();
    }

    /** Two images without a tag, because it moved on, and one with it. */
    @BeforeEach
    void images() {
        EcrClient pushing = EcrClient.builder()
                .endpointOverride(fake.url())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("123456789012", "any")))
                .build();
        for (String content : new String[] {"one", "two", "three"}) {
            new Release(pushing).publish("team/app", "latest", content.getBytes());
        }
    }

    private int count() {
        return ecr.listImages(new ListImagesRequest().withRepositoryName("team/app")).getImageIds().size();
    }

    @Test
    void deletesWhatHasNoTag() {
        assertEquals(3, count());
        assertEquals(2, new Cleanup(ecr).untagged("team/app"));
        assertEquals(1, count());
    }

    @Test
    void aLostReplyIsNoFailure() {
        fake.play("""
                {"rules": [{"on": "BatchDeleteImage", "when": {"nth": 1}, "do": {"drop": true}}]}
                """);
        assertEquals(2, new Cleanup(ecr).untagged("team/app"));
        assertEquals(1, count());
        assertEquals(2, fake.count("BatchDeleteImage"));
    }

    @Test
    void throttlingIsSurvived() {
        fake.play("""
                {"rules": [{"on": "BatchDeleteImage", "when": {"first": 2},
                  "do": {"fail": {"code": "ThrottlingException", "message": "Rate exceeded"}}}]}
                """);
        assertEquals(2, new Cleanup(ecr).untagged("team/app"));
        assertEquals(3, fake.count("BatchDeleteImage"));
    }
}
