package registry

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestVerify(t *testing.T) {
	w := NewWorld(1, Config{})
	given := Authorization{home, "arn:aws:iam::123456789012:user/someone", time.Date(2030, 1, 2, 3, 4, 5, 6e6, time.UTC), 1, "ASIAEXAMPLE"}
	token, err := w.token(given)
	require.NoError(t, err)

	for name, world := range map[string]*World{"its world": w, "a fork": w.Fork(Config{}), "a world of the same seed": NewWorld(1, Config{})} {
		got, err := world.Verify(token)
		require.NoError(t, err, name)
		require.Equal(t, given, got, name)
	}
	_, err = NewWorld(2, Config{}).Verify(token)
	require.ErrorContains(t, err, "was not signed by this registry")
	for name, changed := range map[string]string{
		"empty": "", "not base64": "*", "not JSON": base64.StdEncoding.EncodeToString([]byte("password")),
		"of a richer caller": withPayload(t, token, Authorization{home, "arn:aws:iam::123456789012:root", given.Expires, given.Serial, ""}),
	} {
		_, err := w.Verify(changed)
		require.Error(t, err, name)
	}
}

// withPayload is a token whose payload was exchanged.
func withPayload(t *testing.T, token string, a Authorization) string {
	var p password
	text, err := base64.StdEncoding.DecodeString(token)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &p))
	p.Payload, err = json.Marshal(a)
	require.NoError(t, err)
	text, err = json.Marshal(p)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(text)
}
