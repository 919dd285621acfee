package wire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"
)

// fill sets whatever can be set, no two strings alike.
func fill(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(1787109743563).UTC()))
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.IsExported() && field.Type != reflect.TypeFor[middleware.Metadata]() && field.Name != "ErrorCodeOverride" {
				fill(v.Field(i), path+"."+field.Name)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), fmt.Sprint(path, i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, fmt.Sprint(path, i))
			fill(value, fmt.Sprint(path, i, "value"))
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(path + " \"\\/\b\f\n\r\t\x01\x7f <&> é 🐳 \u2028")
	case reflect.Int32, reflect.Int64:
		v.SetInt(-1 << (v.Type().Bits() - 1))
	case reflect.Uint8:
		v.SetUint(0xfe)
	case reflect.Float64:
		v.SetFloat(9.8)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(fmt.Sprintf("%s is of type %s", path, v.Type()))
	}
}

func TestReadEveryMember(t *testing.T) {
	for name, op := range operations(t) {
		t.Run(name, func(t *testing.T) {
			want, got := op.input(), op.input()
			fill(reflect.ValueOf(want).Elem(), name)
			body := string(sdkWrite(t, want))
			require.NoError(t, readString(body, got), body)
			require.Equal(t, want, got)
		})
	}
}

func TestWriteEveryMember(t *testing.T) {
	shapes := map[string]shape{}
	for name, op := range operations(t) {
		shapes[name+" input"], shapes[name+" output"] = op.input(), op.output()
	}
	for name, entry := range ecr.TypeRegistry.Entries {
		shapes[name] = entry.New().(smithy.Serializable)
	}
	for name, full := range shapes {
		t.Run(name, func(t *testing.T) {
			if name != "ValidatePullThroughCacheRule output" { // which has a flag
				require.Equal(t, "{}", string(Write(full, nil)))
			}
			fill(reflect.ValueOf(full).Elem(), name)
			require.JSONEq(t, string(sdkWrite(t, full)), string(Write(full, nil)))
		})
	}
}

// ECR answers a flag that is not set as it answers one that is, unlike the SDK.
func TestWriteEveryFlag(t *testing.T) {
	flags := 0
	for name, op := range operations(t) {
		t.Run(name, func(t *testing.T) {
			out := op.output()
			fill(reflect.ValueOf(out).Elem(), name)
			set := string(Write(out, nil))
			flags += strings.Count(set, ":true")
			unset(reflect.ValueOf(out))
			require.JSONEq(t, strings.ReplaceAll(set, ":true", ":false"), string(Write(out, nil)))
		})
	}
	require.Positive(t, flags)
}

// unset makes all flags false.
func unset(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		unset(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			unset(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[middleware.Metadata]() {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				unset(v.Field(i))
			}
		}
	case reflect.Bool:
		v.SetBool(false)
	}
}
