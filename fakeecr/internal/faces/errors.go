package faces

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
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
