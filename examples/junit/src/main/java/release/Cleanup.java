package release;

import com.amazonaws.services.ecr.AmazonECR;
import com.amazonaws.services.ecr.model.BatchDeleteImageRequest;
import com.amazonaws.services.ecr.model.ImageFailure;
import com.amazonaws.services.ecr.model.ImageIdentifier;
import com.amazonaws.services.ecr.model.ListImagesFilter;
import com.amazonaws.services.ecr.model.ListImagesRequest;
import com.amazonaws.services.ecr.model.ListImagesResult;
import java.util.ArrayList;
import java.util.List;

/** What an older part of the project has: it deletes what has no tag, with the SDK v1. */
public final class Cleanup {
    private static final int AT_ONCE = 100; // as BatchDeleteImage takes

    private final AmazonECR ecr;

    public Cleanup(AmazonECR ecr) {
        this.ecr = ecr;
    }

    /** Deletes the images without a tag, and answers how many there were. */
    public int untagged(String repository) {
        List<ImageIdentifier> found = list(repository);
        for (int i = 0; i < found.size(); i += AT_ONCE) {
            List<ImageIdentifier> some = found.subList(i, Math.min(i + AT_ONCE, found.size()));
            var deleted = ecr.batchDeleteImage(
                    new BatchDeleteImageRequest().withRepositoryName(repository).withImageIds(some));
            for (ImageFailure failure : deleted.getFailures()) {
                // Of an image that an attempt deleted whose reply was lost.
                if (!failure.getFailureCode().equals("ImageNotFound")) {
                    throw new IllegalStateException(failure.getFailureReason());
                }
            }
        }
        return found.size();
    }

    private List<ImageIdentifier> list(String repository) {
        List<ImageIdentifier> all = new ArrayList<>();
        ListImagesRequest request = new ListImagesRequest()
                .withRepositoryName(repository)
                .withFilter(new ListImagesFilter().withTagStatus("UNTAGGED"));
        ListImagesResult page;
        do {
            page = ecr.listImages(request);
            all.addAll(page.getImageIds());
            request.setNextToken(page.getNextToken());
        } while (page.getNextToken() != null);
        return all;
    }
}
