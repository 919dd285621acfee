package registry_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

func TestGetAuthorizationToken(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		for name, c := range map[string]struct {
			face        faces.Face
			registryIDs []string
			want        []string
		}{
			"of the caller":     {f, nil, []string{"https://123456789012.dkr.ecr.us-east-1.amazonaws.com"}},
			"of a neighbour":    {f.Account("210987654321").In("eu-west-1"), nil, []string{"https://210987654321.dkr.ecr.eu-west-1.amazonaws.com"}},
			"in China":          {f.In("cn-north-1"), nil, []string{"https://123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"}},
			"of two registries": {f, []string{"210987654321", "123456789012"}, []string{"https://210987654321.dkr.ecr.us-east-1.amazonaws.com", "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"}},
		} {
			t.Run(name, func(t *testing.T) {
				before := f.Registry.Now()
				out, err := c.face.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{RegistryIds: c.registryIDs})
				require.NoError(t, err)
				require.Len(t, out.AuthorizationData, len(c.want))
				for i, data := range out.AuthorizationData {
					require.Equal(t, c.want[i], *data.ProxyEndpoint)
					lifetime := 12 * time.Hour
					require.False(t, data.ExpiresAt.Before(before.Add(lifetime)) || data.ExpiresAt.After(f.Registry.Now().Add(lifetime)))
					require.Equal(t, data.ExpiresAt.Truncate(time.Millisecond), *data.ExpiresAt)
					requirePassword(t, *data.AuthorizationToken, *data.ExpiresAt)
				}
			})
		}
	})
}

// A token is the user AWS and a password, which is JSON in base64 again.
func requirePassword(t *testing.T, token string, expires time.Time) {
	t.Helper()
	credentials, err := base64.StdEncoding.DecodeString(token)
	require.NoError(t, err)
	user, password, found := strings.Cut(string(credentials), ":")
	require.True(t, found && user == "AWS")
	require.NotContains(t, password, ":")
	text, err := base64.StdEncoding.DecodeString(password)
	require.NoError(t, err)
	var document map[string]any
	require.NoError(t, json.Unmarshal(text, &document))
	require.Equal(t, float64(expires.Unix()), document["expiration"])
	require.Equal(t, []any{"2", "DATA_KEY"}, []any{document["version"], document["type"]})
	require.NotEmpty(t, document["payload"])
	require.NotEmpty(t, document["datakey"])
}
