package entrance

import (
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The examples that AWS publishes: the one of the SigV4 documentation (IAM's
// ListUsers), and some of the signature test suite.
func TestPublishedSignatures(t *testing.T) {
	for name, c := range map[string]struct {
		query, service, host string
		header               http.Header
		signed               string
		canonical, want      string
	}{
		"documentation": {
			"Action=ListUsers&Version=2010-05-08", "iam", "iam.amazonaws.com",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}, "content-type;host;x-amz-date",
			"f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
		"get-vanilla": {
			"", "service", "example.amazonaws.com", nil, "host;x-amz-date",
			"bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		"get-vanilla-query-order-key-case": {
			"Param2=value2&Param1=value1", "service", "example.amazonaws.com", nil, "host;x-amz-date",
			"816cd5b414d056048ba4f7c5386d6e0533120fb1fcfa93762cf0fc39e2cf19e0",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		"get-header-key-duplicate": {
			"", "service", "example.amazonaws.com",
			http.Header{"My-Header1": {"value2", "value2", "value1"}}, "host;my-header1;x-amz-date",
			"dc7f04a3abfde8d472b0ab1a418b741b7c67174dad1551b4117b15527fbe966c",
			"c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
		},
		"get-header-value-trim": {
			"", "service", "example.amazonaws.com",
			http.Header{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}}, "host;my-header1;my-header2;x-amz-date",
			"a726db9b0df21c14f559d0a978e563112acb1b9e05476f0a6a1c7d68f28605c7",
			"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodGet, "https://"+c.host+"/?"+c.query, nil)
			if c.header != nil {
				req.Header = c.header
			}
			req.Header.Set("X-Amz-Date", "20150830T123600Z")
			nothing := sha256.Sum256(nil)
			canonical := canonicalRequest(req, strings.Split(c.signed, ";"), nothing[:])
			require.Equal(t, c.canonical, hexSum(canonical), canonical)
			s := &signature{scope: []string{"20150830", "us-east-1", c.service, "aws4_request"}, at: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)}
			require.Equal(t, c.want, s.over(canonical, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
		})
	}
}
