// Quickstart pushes an image through the real SDK client to an ECR that runs in
// this process, is throttled on the way, pulls it back and checks every byte.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

var repository = aws.String("team/app")

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatalf("quickstart: %v", err)
	}
}

func run(ctx context.Context, report io.Writer) error {
	server := fakeecr.NewServer(nil, fakeecr.WithSeed(1), fakeecr.WithScenario(scenarios.Throttle("PutImage", 2)))
	defer server.Close()
	client := server.Client(func(o *ecr.Options) {
		// The production back-off would do as well; this one does not keep you waiting.
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 20 * time.Millisecond })
	})
	fmt.Fprintf(report, "Amazon ECR at %s\n\n", server.URL)

	image := fakeecr.RandomImage(1, 25<<20, 64<<10)
	if _, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: repository}); err != nil {
		return err
	}
	if err := push(ctx, report, client, image); err != nil {
		return err
	}
	if err := pull(ctx, report, client, image); err != nil {
		return err
	}
	if err := refused(ctx, report, client); err != nil {
		return err
	}
	fmt.Fprintf(report, "\nEvery call, in order:\n%s", server.Trace())
	return nil
}

// push uploads the blobs in parts and then the manifest, as docker does.
func push(ctx context.Context, report io.Writer, client *ecr.Client, image fakeecr.Image) error {
	for _, blob := range image.Blobs {
		if err := upload(ctx, report, client, blob); err != nil {
			return err
		}
	}
	put, err := client.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName: repository,
		ImageManifest:  aws.String(string(image.Manifest)),
		ImageTag:       aws.String("v1"),
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(report, "pushed image      %s as v1, after two throttled attempts\n", *put.Image.ImageId.ImageDigest)
	return nil
}

func upload(ctx context.Context, report io.Writer, client *ecr.Client, blob []byte) error {
	begun, err := client.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: repository})
	if err != nil {
		return err
	}
	parts := 0
	for first := 0; first < len(blob); parts++ {
		end := min(first+int(*begun.PartSize), len(blob))
		if _, err := client.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{
			RepositoryName: repository,
			UploadId:       begun.UploadId,
			PartFirstByte:  aws.Int64(int64(first)),
			PartLastByte:   aws.Int64(int64(end) - 1),
			LayerPartBlob:  blob[first:end],
		}); err != nil {
			return err
		}
		first = end
	}
	done, err := client.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{
		RepositoryName: repository,
		UploadId:       begun.UploadId,
		LayerDigests:   []string{digest(blob)},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(report, "pushed blob       %s, %d bytes in %d part(s)\n", *done.LayerDigest, len(blob), parts)
	return nil
}

// pull reads the manifest and every blob back and checks their SHA-256.
func pull(ctx context.Context, report io.Writer, client *ecr.Client, image fakeecr.Image) error {
	got, err := client.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RepositoryName: repository,
		ImageIds:       []types.ImageIdentifier{{ImageTag: aws.String("v1")}},
	})
	if err != nil {
		return err
	}
	if len(got.Images) != 1 || digest([]byte(*got.Images[0].ImageManifest)) != image.Digest() {
		return errors.New("the manifest came back different")
	}
	fmt.Fprintf(report, "pulled manifest   %s\n", image.Digest())
	for _, blob := range image.Blobs {
		location, err := client.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{
			RepositoryName: repository,
			LayerDigest:    aws.String(digest(blob)),
		})
		if err != nil {
			return err
		}
		content, err := download(ctx, *location.DownloadUrl)
		if err != nil {
			return err
		}
		if digest(content) != digest(blob) {
			return fmt.Errorf("blob %s came back different", digest(blob))
		}
		fmt.Fprintf(report, "pulled blob       %s, %d bytes\n", digest(content), len(content))
	}
	return nil
}

// download needs no credentials: the URL is signed.
func download(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("download: %s", response.Status)
	}
	return io.ReadAll(response.Body)
}

// refused shows what ECR says to a manifest whose layers nobody uploaded.
func refused(ctx context.Context, report io.Writer, client *ecr.Client) error {
	_, err := client.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName: repository,
		ImageManifest:  aws.String(string(fakeecr.RandomImage(2, 1<<10).Manifest)),
	})
	var missing *types.LayersNotFoundException
	if !errors.As(err, &missing) {
		return fmt.Errorf("a manifest without its layers was not refused: %w", err)
	}
	fmt.Fprintf(report, "refused image     %s: %s\n", missing.ErrorCode(), missing.ErrorMessage())
	return nil
}

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }
