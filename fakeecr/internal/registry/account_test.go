package registry_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestAccountSettings(t *testing.T) {
	tests := []struct{ name, initially, put string }{
		{"BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE", "AWS_NATIVE"},
		{"REGISTRY_POLICY_SCOPE", "V2", "V2"},
		{"BLOB_MOUNTING", "DISABLED", "ENABLED"},
	}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		value := func(f faces.Face, name string) string {
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
			require.Equal(t, test.initially, value(f.In("eu-west-1"), test.name), "settings are a region's")
			require.Equal(t, test.initially, value(f.Account("210987654321"), test.name))
		}
		_, err := f.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("DISABLED")})
		require.NoError(t, err)
		require.Equal(t, "DISABLED", value(f, "BLOB_MOUNTING"))
		_, err = f.In("eu-west-1").PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")})
		require.NoError(t, err)
		require.Equal(t, "DISABLED ENABLED", value(f, "BLOB_MOUNTING")+" "+value(f.In("eu-west-1"), "BLOB_MOUNTING"))
	})
}
