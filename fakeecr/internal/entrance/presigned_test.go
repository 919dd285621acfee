package entrance_test

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// stamp is a time in a refusal.
var stamp = regexp.MustCompile(`[0-9]{8}T[0-9]{6}Z`)

// told is what STS answers to GetCallerIdentity, or refuses it with.
type told struct {
	Arn     string `xml:"GetCallerIdentityResult>Arn"`
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
}

// ask sends a request to where a client of STS would.
func ask(t *testing.T, asker *sts.Client, req *http.Request) (status int, answer told) {
	t.Helper()
	response, err := asker.Options().HTTPClient.Do(req)
	require.NoError(t, err)
	defer response.Body.Close()
	require.NoError(t, xml.NewDecoder(response.Body).Decode(&answer))
	return response.StatusCode, answer
}

func get(t *testing.T, at string, header http.Header) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	require.NoError(t, err)
	req.Header = header.Clone()
	return req
}

// Who has a URL that somebody signed for GetCallerIdentity can show by it who that is.
func TestPresignedGetCallerIdentity(t *testing.T) {
	for name, options := range map[string][]fakeecr.Option{"verified": {fakeecr.WithSigV4()}, "believed": nil} {
		t.Run(name, func(t *testing.T) {
			withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
				out, err := asker.AssumeRole(t.Context(), assume(ciRole))
				require.NoError(t, err)
				keys := out.Credentials
				ofSession := func(o *sts.Options) {
					o.Credentials = credentials.NewStaticCredentialsProvider(*keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)
				}
				presigned, err := sts.NewPresignClient(asker).PresignGetCallerIdentity(t.Context(), nil, sts.WithPresignClientFromClientOptions(ofSession))
				require.NoError(t, err)
				status, answer := ask(t, asker, get(t, presigned.URL, presigned.SignedHeader))
				require.Equal(t, told{Arn: ciSession}, answer)
				require.Equal(t, 200, status)
				require.Equal(t, ciSession, f.Registry.Calls("GetCallerIdentity")[0].Caller)

				f.Registry.Advance(time.Hour)
				status, answer = ask(t, asker, get(t, presigned.URL, presigned.SignedHeader))
				require.Equal(t, told{Code: "ExpiredToken", Message: "The security token included in the request is expired"}, answer)
				require.Equal(t, 403, status)

				other, err := sts.NewPresignClient(asker).PresignGetCallerIdentity(t.Context(), nil, sts.WithPresignClientFromClientOptions(func(o *sts.Options) {
					o.Credentials = credentials.NewStaticCredentialsProvider(faces.Other, "fakeecr", "")
				}))
				require.NoError(t, err)
				_, answer = ask(t, asker, get(t, other.URL, other.SignedHeader))
				require.Equal(t, "arn:aws:iam::210987654321:user/fakeecr", answer.Arn)
			}, options...)
		})
	}
}

// A token of a cluster is signed with the cluster's name, for a minute. Where signatures
// count, such a URL is refused as soon as it is over, or if anything was changed.
func TestPresignedURLs(t *testing.T) {
	const (
		cluster = "X-K8s-Aws-Id"
		expires = "X-Amz-Expires"
		again   = "Re-examine the query-string parameters."
	)
	own := aws.Credentials{AccessKeyID: "123456789012", SecretAccessKey: "fakeecr"}
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	del := func(name string) func(url.Values) { return func(q url.Values) { q.Del(name) } }
	nothing := func(url.Values) {}
	wrong := told{Code: "SignatureDoesNotMatch", Message: doesNotMatch}
	for name, c := range map[string]struct {
		credentials    aws.Credentials
		age            time.Duration
		before, change func(url.Values)
		header         http.Header
		status         int
		want           told
	}{
		"fresh":              {before: set(expires, "60"), age: 55 * time.Second, status: 200},
		"of no length":       {before: nothing, age: 14 * time.Minute, status: 200},
		"over":               {before: set(expires, "60"), age: 65 * time.Second, status: 403, want: told{Code: "SignatureDoesNotMatch", Message: "Signature expired: … is now earlier than … (… - 1 min.)"}},
		"over in seconds":    {before: set(expires, "90"), age: 95 * time.Second, status: 403, want: told{Code: "SignatureDoesNotMatch", Message: "Signature expired: … is now earlier than … (… - 90 sec.)"}},
		"of no length, over": {before: nothing, age: 16 * time.Minute, status: 403, want: told{Code: "SignatureDoesNotMatch", Message: "Signature expired: … is now earlier than … (… - 15 min.)"}},
		"of the future":      {before: nothing, age: -6 * time.Minute, status: 403, want: told{Code: "SignatureDoesNotMatch", Message: "Signature not yet current: … is still later than … (… + 5 min.)"}},
		"no number":          {before: set(expires, "x"), status: 400, want: told{Code: "IncompleteSignature", Message: "X-Amz-Expires must be a number of seconds between 1 and a week. Got 'x'"}},
		"no time":            {before: set(expires, "0"), status: 400, want: told{Code: "IncompleteSignature", Message: "X-Amz-Expires must be a number of seconds between 1 and a week. Got '0'"}},
		"too long":           {before: set(expires, "604801"), status: 400, want: told{Code: "IncompleteSignature", Message: "X-Amz-Expires must be a number of seconds between 1 and a week. Got '604801'"}},
		"made longer":        {before: set(expires, "60"), change: set(expires, "600"), status: 403, want: wrong},
		"another cluster":    {before: nothing, header: http.Header{cluster: {"theirs"}}, status: 403, want: wrong},
		"another secret":     {credentials: aws.Credentials{AccessKeyID: "123456789012", SecretAccessKey: "guess"}, before: nothing, status: 403, want: wrong},
		"nobody's":           {credentials: aws.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "s"}, before: nothing, status: 403, want: told{Code: "InvalidClientTokenId", Message: invalidToken}},
		"a token too many":   {before: nothing, change: set("X-Amz-Security-Token", "t"), status: 403, want: told{Code: "InvalidClientTokenId", Message: invalidToken}},
		"an unsigned header": {before: nothing, header: http.Header{cluster: {"ours"}, "X-Amz-Meta": {"more"}}, status: 403, want: told{Code: "SignatureDoesNotMatch", Message: "'X-Amz-Meta' must be a 'SignedHeader' in the AWS Authorization."}},
		"no signature":       {before: nothing, change: del("X-Amz-Signature"), status: 400, want: told{Code: "IncompleteSignature", Message: "AWS query-string parameters must include 'X-Amz-Signature'. " + again}},
		"no credential":      {before: nothing, change: del("X-Amz-Credential"), status: 400, want: told{Code: "IncompleteSignature", Message: "AWS query-string parameters must include 'X-Amz-Credential'. " + again}},
		"no date":            {before: nothing, change: set("X-Amz-Date", "today"), status: 400, want: told{Code: "IncompleteSignature", Message: "Date must be in ISO-8601 'basic format'. Got 'today'. See http://en.wikipedia.org/wiki/ISO_8601"}},
		"not signed at all":  {before: nothing, change: del("X-Amz-Algorithm"), status: 403, want: told{Code: "MissingAuthenticationToken", Message: "Missing Authentication Token"}},
		"of another service": {before: nothing, change: func(q url.Values) {
			q.Set("X-Amz-Credential", strings.Replace(q.Get("X-Amz-Credential"), "/us-east-1/", "/nowhere/", 1))
		}, status: 403, want: told{Code: "SignatureDoesNotMatch", Message: "Credential should be scoped to a valid region."}},
	} {
		t.Run(name, func(t *testing.T) {
			withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
				endpoint := aws.ToString(asker.Options().BaseEndpoint)
				if endpoint == "" {
					endpoint = "https://sts.us-east-1.amazonaws.com"
				}
				query := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
				c.before(query)
				header := http.Header{cluster: {"ours"}}
				req := get(t, endpoint+"/?"+query.Encode(), header)
				signer := own
				if c.credentials.HasKeys() {
					signer = c.credentials
				}
				signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), signer, req, hexSum(""), "sts", "us-east-1", time.Now().Add(-c.age))
				require.NoError(t, err)
				at, err := url.Parse(signed)
				require.NoError(t, err)
				if c.change != nil {
					query := at.Query()
					c.change(query)
					at.RawQuery = query.Encode()
				}
				maps.Copy(header, c.header)
				status, answer := ask(t, asker, get(t, at.String(), header))
				answer.Message = stamp.ReplaceAllString(answer.Message, "…")
				if c.status == 200 {
					c.want = told{Arn: "arn:aws:iam::123456789012:user/fakeecr"}
				}
				require.Equal(t, c.want, answer)
				require.Equal(t, c.status, status)
			}, fakeecr.WithSigV4())
		})
	}
}
