package scenarios_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

// Every exception of the service is the SDK's type again.
func TestExceptionsAreJSONAndBack(t *testing.T) {
	n := 0
	for _, entry := range ecr.TypeRegistry.Entries {
		exception, is := entry.New().(error)
		if !is {
			continue
		}
		n++
		v := reflect.ValueOf(exception).Elem()
		for i := range v.NumField() {
			field := v.Type().Field(i)
			switch {
			case field.Name == "ErrorCodeOverride" || !field.IsExported():
			case field.Type == reflect.TypeFor[*int64]():
				v.Field(i).Set(reflect.ValueOf(aws.Int64(7)))
			default:
				v.Field(i).Set(reflect.ValueOf(aws.String("the " + field.Name)))
			}
		}
		text, err := json.Marshal(scenarios.On("PutImage").Fail(exception))
		require.NoError(t, err)
		var back scenarios.Rule
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, exception, back.Parts().Effects().Err, string(text))
	}
	require.Greater(t, n, 40)
}

type statusError struct{ error }

func (statusError) HTTPStatusCode() int { return 503 }
func (e statusError) Unwrap() error     { return e.error }

// An error of another kind is told as the caller gets it.
func TestErrorsOfOtherKinds(t *testing.T) {
	for want, err := range map[string]error{
		`{"code":"ServerException","message":"no"}`:  fmt.Errorf("sending: %w", &types.ServerException{Message: aws.String("no")}),
		`{"code":"Odd","message":"no","status":503}`: statusError{&smithy.GenericAPIError{Code: "Odd", Message: "no", Fault: smithy.FaultClient}},
		`{"code":"ServerException","status":503}`:    statusError{&types.ServerException{}},
		`"no answer"`:               fmt.Errorf("sending: %w", scenarios.ErrNoAnswer),
		`{"message":"sending: no"}`: fmt.Errorf("sending: %w", errors.New("no")),
		`{"status":502}`:            fmt.Errorf("sending: %w", &scenarios.Response{Status: 502}),
	} {
		text, marshalErr := json.Marshal(scenarios.On("PutImage").Fail(err))
		require.NoError(t, marshalErr)
		require.Equal(t, `{"on":"PutImage","do":{"fail":`+want+`}}`, string(text))
		var back scenarios.Rule
		require.NoError(t, json.Unmarshal(text, &back))
		again, marshalErr := json.Marshal(&back)
		require.NoError(t, marshalErr)
		require.Equal(t, string(text), string(again))
	}
	var back scenarios.Rule
	require.NoError(t, json.Unmarshal([]byte(`{"on":"PutImage","do":{"fail":{"code":"ServerException","status":503}}}`), &back))
	var typed *types.ServerException
	require.ErrorAs(t, back.Parts().Effects().Err, &typed)
	var own interface{ HTTPStatusCode() int }
	require.ErrorAs(t, back.Parts().Effects().Err, &own)
	require.Equal(t, 503, own.HTTPStatusCode())
}
