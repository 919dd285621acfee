package faces

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// RequireError holds that a call was refused with an exception and its text.
func RequireError[E error](t *testing.T, err error, message string) E {
	t.Helper()
	var exception E
	require.ErrorAs(t, err, &exception)
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, message, api.ErrorMessage())
	return exception
}

// Chain is the types of an error and of those inside it.
func Chain(err error) string {
	var types []string
	for ; err != nil; err = errors.Unwrap(err) {
		types = append(types, fmt.Sprintf("%T", err))
	}
	return strings.Join(types, " > ")
}

// RequireRefusal is RequireError for tables, where the type of the exception is data.
func RequireRefusal(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
	require.Equal(t, message, api.ErrorMessage())
}

// IsA tells whether an error has one of a type in its chain.
func IsA[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// FullOfImages is the refusal of an image beyond the quota of a repository.
func FullOfImages(repository string, most int) string {
	return fmt.Sprintf("The repository with name '%s' in registry with id '123456789012' already has the maximum allowed number of images which is '%d'", repository, most)
}

// ErrNo is an error of ECR for rules to fail with.
var ErrNo = &types.ServerException{Message: aws.String("no")}

// Outcomes calls DescribeRepositories n times and draws a dot for each success,
// an F for each failure.
func Outcomes(ctx context.Context, api fakeecr.API, n int) string {
	var drawn strings.Builder
	for range n {
		if _, err := api.DescribeRepositories(ctx, nil); err != nil {
			drawn.WriteByte('F')
		} else {
			drawn.WriteByte('.')
		}
	}
	return drawn.String()
}
