package explore

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr"
)

// pushed pushes an image by the client, and does not mind what is there.
func pushed(image fakeecr.Image) func(context.Context, *fakeecr.Registry) (any, error) {
	return func(ctx context.Context, r *fakeecr.Registry) (any, error) {
		client := r.Client()
		for _, blob := range image.Blobs {
			checked, err := client.BatchCheckLayerAvailability(ctx, &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: app, LayerDigests: []string{digestOf(blob)}})
			if err != nil {
				return nil, err
			}
			if len(checked.Layers) == 1 && checked.Layers[0].LayerAvailability == types.LayerAvailabilityAvailable {
				continue
			}
			begun, err := client.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: app})
			if err != nil {
				return nil, err
			}
			if _, err := client.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{RepositoryName: app, UploadId: begun.UploadId,
				PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(blob)) - 1), LayerPartBlob: blob}); err != nil {
				return nil, err
			}
			if _, err := client.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{RepositoryName: app, UploadId: begun.UploadId, LayerDigests: []string{digestOf(blob)}}); err != nil {
				return nil, err
			}
		}
		_, err := client.PutImage(ctx, &ecr.PutImageInput{RepositoryName: app, ImageManifest: aws.String(string(image.Manifest)), ImageTag: aws.String("latest")})
		if there := new(types.ImageAlreadyExistsException); errors.As(err, &there) {
			return nil, nil
		}
		return nil, err
	}
}

// BenchmarkExplore is whole explorations: of nine calls with an image of a few bytes, and
// of 25 with one of 1 MiB.
func BenchmarkExplore(b *testing.B) {
	for _, c := range []struct {
		name  string
		image fakeecr.Image
	}{
		{"9 calls", fakeecr.RandomImage(7, 10)},
		{"25 calls and 1 MiB", fakeecr.RandomImage(7, 200<<10, 200<<10, 200<<10, 200<<10, 224<<10)},
	} {
		b.Run(c.name, func(b *testing.B) {
			fixture := seeded(b)
			for b.Loop() {
				// A bubble is made for a test, which a benchmark is not.
				ran := testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) {
					if report := survey(t, fixture, pushed(c.image)); len(report.Findings()) > 0 {
						t.Errorf("%s", report)
					}
				}}})
				if !ran {
					b.Fatal("it has findings")
				}
			}
		})
	}
}
