package scenarios_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

func TestCallString(t *testing.T) {
	call := scenarios.Call{Number: 7, Time: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Operation: "PutImage", Repository: "team/app"}
	with := func(change func(*scenarios.Call)) scenarios.Call {
		changed := call
		change(&changed)
		return changed
	}
	ids := []types.ImageIdentifier{{ImageTag: aws.String("v1")}, {ImageDigest: aws.String("sha256:ab")}, {ImageTag: aws.String("v2"), ImageDigest: aws.String("sha256:cd")}, {}, {}}
	for want, c := range map[string]scenarios.Call{
		"   7 03:04:05.006 PutImage team/app -> ok":    call,
		"   7 03:04:05.006 PutImage team/app v1 -> ok": with(func(c *scenarios.Call) { c.Input = &ecr.PutImageInput{ImageTag: aws.String("v1")} }),
		"   7 03:04:05.006 BatchGetImage team/app v1 sha256:ab v2@sha256:cd and 2 more -> ok": with(func(c *scenarios.Call) {
			c.Operation, c.Input = "BatchGetImage", &ecr.BatchGetImageInput{ImageIds: ids}
		}),
		"   7 03:04:05.006 UploadLayerPart team/app 0-4 (5 bytes) -> ok": with(func(c *scenarios.Call) {
			c.Operation, c.Bytes = "UploadLayerPart", 5
			c.Input = &ecr.UploadLayerPartInput{PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(4)}
		}),
		"   7 03:04:05.006 DescribeRegistry -> boom": with(func(c *scenarios.Call) {
			c.Operation, c.Repository, c.Err = "DescribeRegistry", "", errors.New("boom")
		}),
		"   7 03:04:05.006 PutImage team/app -> ThrottlingException: Rate exceeded [busy; slow]": with(func(c *scenarios.Call) {
			c.Err, c.Rules = scenarios.Throttled(), []string{"busy", "slow"}
		}),
		"   7 03:04:05.006 DownloadLayer team/app sha256:ab bytes=0-1 -> ok": with(func(c *scenarios.Call) {
			c.Operation = scenarios.DownloadLayer
			c.Input = &scenarios.DownloadLayerInput{LayerDigest: aws.String("sha256:ab"), Range: aws.String("bytes=0-1")}
		}),
	} {
		require.Equal(t, want, c.String())
	}
}

func TestTrace(t *testing.T) {
	trace := scenarios.Trace{{Number: 1, Operation: "PutImage"}, {Number: 2, Operation: "ListImages"}, {Number: 3, Operation: "PutImage"}}
	require.Equal(t, 2, trace.Count("PutImage"))
	require.Equal(t, 0, trace.Count("DeleteRepository"))
	require.Equal(t, 0, trace.Count(scenarios.DownloadLayer))
	require.Equal(t, 3, trace.Count(scenarios.Any))
	require.Equal(t, 3, trace.For("PutImage")[1].Number)
	require.Equal(t, []string{"PutImage", "ListImages", "PutImage"}, trace.Operations())
}

// A trace counts the operations that the service has, and no others.
func TestTraceKnowsItsOperations(t *testing.T) {
	api := reflect.TypeFor[fakeecr.API]()
	for i := range api.NumMethod() {
		require.Zero(t, scenarios.Trace{}.Count(api.Method(i).Name))
	}
	for _, name := range []string{"PutLayer", "putImage", "Options", ""} {
		says := fmt.Sprintf("scenarios: ECR has no operation %q", name)
		require.PanicsWithValue(t, says, func() { scenarios.Trace{}.Count(name) })
		require.PanicsWithValue(t, says, func() { scenarios.Trace{}.For(name) })
	}
}

func TestTraceRefusesConditionsThatNeverHold(t *testing.T) {
	var trace scenarios.Trace
	require.PanicsWithValue(t, "scenarios: WhenCall of a nil function", func() { trace.Where(scenarios.WhenCall(nil)) })
	require.PanicsWithValue(t, "scenarios: an empty condition", func() { trace.Where(scenarios.Condition{}) })
	require.Empty(t, trace.Where(scenarios.Failed()))
}

// A batch of a new SDK, or one that moves its failures, fails this.
func TestFailuresOfEveryBatch(t *testing.T) {
	client := reflect.TypeFor[*ecr.Client]()
	batches := 0
	for i := range client.NumMethod() {
		method := client.Method(i).Type
		if method.NumOut() != 2 || method.Out(0).Kind() != reflect.Pointer {
			continue
		}
		out := reflect.New(method.Out(0).Elem())
		failures := out.Elem().FieldByName("Failures")
		if !failures.IsValid() {
			continue
		}
		batches++
		failures.Set(reflect.MakeSlice(failures.Type(), 2, 2))
		failures.Index(1).FieldByName("FailureCode").SetString("Odd")
		call := scenarios.Call{Output: out.Interface()}
		require.Equal(t, []string{"", "Odd"}, call.Failures(), client.Method(i).Name)
		call.Forget()
		require.Nil(t, call.Output)
		require.Equal(t, []string{"", "Odd"}, call.Failures(), client.Method(i).Name)
		require.Empty(t, scenarios.Call{Output: reflect.Zero(method.Out(0)).Interface()}.Failures())
	}
	require.Equal(t, 4, batches)
}
