package fakeecr_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"
)

func TestAccountSettings(t *testing.T) {
	tests := []struct{ name, initially, put string }{
		{"BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE", "AWS_NATIVE"},
		{"REGISTRY_POLICY_SCOPE", "V2", "V2"},
		{"BLOB_MOUNTING", "DISABLED", "ENABLED"},
	}
	onAllFaces(t, func(t *testing.T, f face) {
		value := func(f face, name string) string {
			got, err := f.GetAccountSetting(t.Context(), &ecr.GetAccountSettingInput{Name: &name})
			require.NoError(t, err)
			require.Equal(t, name, *got.Name)
			return *got.Value
		}
		for _, test := range tests {
			require.Equal(t, test.initially, value(f, test.name))
			put, err := f.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: &test.name, Value: &test.put})
			require.NoError(t, err)
			require.Equal(t, test.name, *put.Name)
			require.Equal(t, test.put, *put.Value)
			require.Equal(t, test.put, value(f, test.name))
			require.Equal(t, test.initially, value(f.in("eu-west-1"), test.name), "settings are a region's")
			require.Equal(t, test.initially, value(f.account("210987654321"), test.name))
		}
		_, err := f.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("DISABLED")})
		require.NoError(t, err)
		require.Equal(t, "DISABLED", value(f, "BLOB_MOUNTING"))
		_, err = f.in("eu-west-1").PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")})
		require.NoError(t, err)
		require.Equal(t, "DISABLED ENABLED", value(f, "BLOB_MOUNTING")+" "+value(f.in("eu-west-1"), "BLOB_MOUNTING"))
	})
}

func TestAccountSettingsRefused(t *testing.T) {
	const (
		unknown = "Invalid parameter at 'name' failed to satisfy constraint: 'Member must satisfy enum value set: [BASIC_SCAN_TYPE_VERSION, REGISTRY_POLICY_SCOPE, BLOB_MOUNTING]'"
		value   = "Invalid parameter at 'value' failed to satisfy constraint: 'Member must satisfy enum value set: "
		long    = "Invalid parameter at 'name' failed to satisfy constraint: 'Member must have length less than or equal to 64'"
	)
	tests := []struct{ name, value, refusal string }{
		{"COLOUR", "BLUE", unknown},
		{"blob_mounting", "ENABLED", unknown},
		{strings.Repeat("N", 65), "ENABLED", long},
		{"BLOB_MOUNTING", "enabled", value + "[ENABLED, DISABLED]'"},
		{"BASIC_SCAN_TYPE_VERSION", "", value + "[AWS_NATIVE]'"},
		{"REGISTRY_POLICY_SCOPE", "V3", value + "[V2]'"},
	}
	onAllFaces(t, func(t *testing.T, f face) {
		for _, test := range tests {
			_, err := f.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: &test.name, Value: &test.value})
			requireError[*types.InvalidParameterException](t, err, test.refusal)
			if !strings.Contains(test.refusal, "'value'") {
				_, err = f.GetAccountSetting(t.Context(), &ecr.GetAccountSettingInput{Name: &test.name})
				requireError[*types.InvalidParameterException](t, err, test.refusal)
			}
		}
		for name, retired := range map[string]string{"BASIC_SCAN_TYPE_VERSION": "CLAIR", "REGISTRY_POLICY_SCOPE": "V1"} {
			_, err := f.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: &name, Value: &retired})
			requireError[*types.ValidationException](t, err, "This feature is disabled")
		}
	})
}
