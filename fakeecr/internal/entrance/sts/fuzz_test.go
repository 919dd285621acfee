package sts_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

// No parameters, in a form or in a URL, make STS fail or answer what is no XML, and
// what is answered of it is one call in the trace.
func FuzzParameters(f *testing.F) {
	const version = "&Version=2011-06-15"
	for _, seed := range []string{
		"Action=GetCallerIdentity" + version,
		"Action=GetCallerIdentity&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=210987654321%2F20260101%2Feu-west-1%2Fsts%2Faws4_request" +
			"&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=00" + version,
		"Action=GetCallerIdentity&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb%2Fc%2Fsts%2Fd&X-Amz-Expires=-1",
		"Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/ci&RoleSessionName=build&DurationSeconds=900" + version,
		"Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/ci&RoleSessionName=build&DurationSeconds=99999999999" + version,
		"Action=AssumeRole&RoleArn=&RoleSessionName=%00%FF<&Policy={&Tags.member.1.Key=k" + version,
		"Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::123456789012:role/ci&RoleSessionName=build&WebIdentityToken=e30.e30.e30" + version,
		"Action=AssumeRoleWithWebIdentity&WebIdentityToken=a&WebIdentityToken=b&RoleArn=x" + version,
		"Action=GetSessionToken" + version,
		"Action=%zz;" + version,
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, parameters string, inURL bool) {
		for _, options := range [][]fakeecr.Option{nil, {fakeecr.WithSigV4()}} {
			registry := fakeecr.New(t, append(options, fakeecr.WithSeed(1))...)
			req := &http.Request{
				Method: http.MethodPost, URL: &url.URL{Path: "/"}, Host: "sts.eu-west-1.amazonaws.com", ContentLength: int64(len(parameters)),
				Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: io.NopCloser(strings.NewReader(parameters)),
			}
			if inURL {
				req.Method, req.URL.RawQuery, req.ContentLength, req.Body = http.MethodGet, parameters, 0, http.NoBody
			}
			recorder := httptest.NewRecorder()
			registry.Handler().ServeHTTP(recorder, req.WithContext(t.Context()))
			require.True(t, 200 <= recorder.Code && recorder.Code < 500, "%d %s", recorder.Code, recorder.Body)
			calls := registry.Calls(scenarios.Identity)
			if len(calls) == 0 {
				require.NotEqual(t, 200, recorder.Code)
				continue
			}
			require.Len(t, calls, 1)
			require.Equal(t, recorder.Code == 200, calls[0].Err == nil, recorder.Body)
			var answer struct {
				XMLName xml.Name
				Code    string `xml:"Error>Code"`
			}
			require.NoError(t, xml.Unmarshal(recorder.Body.Bytes(), &answer), recorder.Body)
			if calls[0].Err == nil {
				require.Equal(t, calls[0].Operation+"Response", answer.XMLName.Local)
				continue
			}
			require.Equal(t, "ErrorResponse", answer.XMLName.Local)
			require.NotEmpty(t, answer.Code)
		}
	})
}
