package exchange

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// A header holds what one of net/http would, whatever its names are written like, also
// where there are more fields than it has room for.
func TestHeader(t *testing.T) {
	var header Header
	want := http.Header{}
	for i := range len(header.room) + 2 {
		name := fmt.Sprint("x-FIELD-", i)
		header.Set(name, "before")
		header.Set(name, "value")
		want.Set(name, "value")
		header.Add(name, "another")
		want.Add(name, "another")
	}
	header.SetAll("ETag", []string{"one", "other"})
	want["Etag"] = []string{"one", "other"}
	header.Set("X-Field-0", "changed")
	want.Set("X-Field-0", "changed")
	header.SetAll("Date", nil)
	want["Date"] = nil

	got := http.Header{"Etag": {"of the connection"}}
	header.Write(got)
	require.Equal(t, want, got)
	require.Equal(t, "changed", header.Get("x-field-0"))
	require.Equal(t, "one", header.Get("etag"))
	require.Empty(t, header.Get("Date"))
	require.Empty(t, header.Get("Location"))
}
