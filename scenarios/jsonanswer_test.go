package scenarios_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

// fill sets all that a shape of the SDK's has.
func fill(v reflect.Value, dice *rand.Rand) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), dice)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(dice.Int64N(4e12)).UTC()))
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Name != "ResultMetadata" {
				fill(v.Field(i), dice)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), dice.IntN(3), 3))
		for i := range v.Len() {
			fill(v.Index(i), dice)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		item := reflect.New(v.Type().Elem()).Elem()
		fill(item, dice)
		v.SetMapIndex(reflect.ValueOf("<key>").Convert(v.Type().Key()), item)
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", dice.Uint32()))
	case reflect.Bool:
		v.SetBool(dice.IntN(2) == 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(dice.Int32()))
	case reflect.Float64:
		v.SetFloat(dice.Float64())
	default:
		panic(v.Type())
	}
}

// answers are rules that answer each operation, with the outputs that they answer it with.
func answers() iter.Seq2[*scenarios.Rule, any] {
	return func(yield func(*scenarios.Rule, any) bool) {
		dice := rand.New(rand.NewPCG(1, 2))
		client := reflect.TypeFor[*ecr.Client]()
		for i := range client.NumMethod() {
			method := client.Method(i)
			if !method.Type.IsVariadic() || method.Type.NumIn() != 4 {
				continue
			}
			for range 3 {
				out := reflect.New(method.Type.Out(0).Elem())
				fill(out.Elem(), dice)
				if !yield(scenarios.On(method.Name).Answer(out.Interface()), out.Interface()) {
					return
				}
			}
		}
	}
}

// The output of every operation is JSON and back.
func TestAnswersAreJSONAndBack(t *testing.T) {
	operations := map[string]bool{}
	for rule, out := range answers() {
		operations[rule.Parts().Operations()[0]] = true
		require.Equal(t, out, rule.Parts().Effects().Answer)
		text, err := json.Marshal(rule)
		require.NoError(t, err)
		var back scenarios.Rule
		require.NoError(t, json.Unmarshal(text, &back), string(text))
		require.Equal(t, out, back.Parts().Effects().Answer, string(text))
	}
	require.Len(t, operations, 62)
}

// An answer is the caller's again, and has the times of the wire.
func TestAnswersAreCopied(t *testing.T) {
	out := &ecr.DescribeImageScanFindingsOutput{RepositoryName: aws.String("team/app")}
	out.ResultMetadata.Set("key", "value")
	rule := scenarios.On("DescribeImageScanFindings").Answer(out)
	*out.RepositoryName = "other"
	require.Equal(t, &ecr.DescribeImageScanFindingsOutput{RepositoryName: aws.String("team/app")}, rule.Parts().Effects().Answer)
}
