// Tagfree is what a project has that builds its client from the environment: it
// asks whether a tag may still be pushed.
//
//	tagfree team/app v1
//
// It exits with 0 if the tag is free, 1 if it is taken and 2 if it cannot tell.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: tagfree REPOSITORY TAG")
		return 2
	}
	digest, err := taken(ctx, args[0], args[1])
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "tagfree: %v\n", err)
		return 2
	case digest != "":
		fmt.Fprintf(stdout, "%s:%s is %s\n", args[0], args[1], digest)
		return 1
	default:
		fmt.Fprintf(stdout, "%s:%s is free\n", args[0], args[1])
		return 0
	}
}

// taken is the digest of the image that has the tag, or "".
func taken(ctx context.Context, repository, tag string) (string, error) {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", err
	}
	described, err := ecr.NewFromConfig(loaded).DescribeImages(ctx, &ecr.DescribeImagesInput{
		RepositoryName: &repository,
		ImageIds:       []types.ImageIdentifier{{ImageTag: &tag}},
	})
	var free *types.ImageNotFoundException
	if errors.As(err, &free) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return *described.ImageDetails[0].ImageDigest, nil
}
