package entrance_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

const (
	doesNotMatch = "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	invalidToken = "The security token included in the request is invalid."
)

func TestSignedByTheFakesOwnClients(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Registry.Advance(24 * time.Hour) // clients sign by the machine's clock
		faces.Create(t, f, "team/app")
		faces.Create(t, f.Account(faces.Other), "team/app")
		faces.Create(t, f.In("eu-west-1"), "team/app")
		faces.Create(t, f.As(faces.Alice), "team/alice")
		begun, err := f.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: aws.String("team/app")})
		require.NoError(t, err)
		_, err = f.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{
			RepositoryName: aws.String("team/app"), UploadId: begun.UploadId,
			PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(1<<20 - 1), LayerPartBlob: make([]byte, 1<<20),
		})
		require.NoError(t, err)
	}, fakeecr.WithSigV4())
}

func TestSignaturesOfClients(t *testing.T) {
	session := aws.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	foreign := aws.Credentials{AccessKeyID: "AKIAI44QH8DHBEXAMPLE", SecretAccessKey: "secret", AccountID: faces.Other}
	changed := func(c aws.Credentials, change func(*aws.Credentials)) aws.Credentials {
		change(&c)
		return c
	}
	tests := []struct {
		name                   string
		credentials            aws.Credentials
		account, code, message string
	}{
		{"accepted", faces.Developer, "123456789012", "", ""},
		{"accepted for a session", session, "123456789012", "", ""},
		{"accepted for another account", foreign, faces.Other, "", ""},
		{"another secret", changed(faces.Developer, func(c *aws.Credentials) { c.SecretAccessKey = "guess" }), "", "InvalidSignatureException", doesNotMatch},
		{"another key", changed(faces.Developer, func(c *aws.Credentials) { c.AccessKeyID = "AKIAUNKNOWN" }), "", "UnrecognizedClientException", invalidToken},
		{"another token", changed(session, func(c *aws.Credentials) { c.SessionToken = "stale" }), "", "UnrecognizedClientException", invalidToken},
		{"no token", changed(session, func(c *aws.Credentials) { c.SessionToken = "" }), "", "UnrecognizedClientException", invalidToken},
		{"an account with another secret", aws.Credentials{AccessKeyID: faces.Other, SecretAccessKey: "guess"}, "", "InvalidSignatureException", doesNotMatch},
	}
	for _, f := range faces.New(t, fakeecr.WithSigV4(faces.Developer), fakeecr.WithSigV4(session, foreign))[1:] {
		for _, test := range tests {
			t.Run(f.Name+"/"+test.name, func(t *testing.T) {
				out, err := f.GetAuthorizationToken(t.Context(), nil, faces.SignedBy(test.credentials))
				if test.code != "" {
					requireUnsigned(t, err, test.code, test.message)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "https://"+test.account+".dkr.ecr.us-east-1.amazonaws.com", *out.AuthorizationData[0].ProxyEndpoint)
			})
		}
	}
}

// requireUnsigned holds that a call was refused with an error that the model does
// not have.
func requireUnsigned(t *testing.T, err error, code, message string) {
	t.Helper()
	require.Equal(t, code, faces.RequireError[*smithy.GenericAPIError](t, err, message).Code)
	var response *smithyhttp.ResponseError
	require.ErrorAs(t, err, &response)
	require.Equal(t, http.StatusBadRequest, response.HTTPStatusCode())
}

// Without the option any signature will do, or none.
func TestSignaturesAreNotLookedAt(t *testing.T) {
	for _, f := range faces.New(t)[1:] {
		_, err := f.GetAuthorizationToken(t.Context(), nil, faces.SignedBy(aws.Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "guess"}))
		require.NoError(t, err)
		req := rawRequest(t, time.Now().Add(-time.Hour), "{}")
		req.Header.Del("Authorization")
		status, _, _ := outcomeOf(t, f.Registry, req)
		require.Equal(t, http.StatusOK, status)
	}
}

// rawRequest is a request for a token, signed by the developer as of a time.
func rawRequest(t *testing.T, at time.Time, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.ecr.us-east-1.amazonaws.com/", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	sign(t, req, at, body)
	return req
}

func sign(t *testing.T, req *http.Request, at time.Time, body string) {
	t.Helper()
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), faces.Developer, req, hexSum(body), "ecr", "us-east-1", at))
}

// outcomeOf is the status and the error of an answer.
func outcomeOf(t *testing.T, registry *fakeecr.Registry, req *http.Request) (status int, code, message string) {
	t.Helper()
	return answerOf(t, registry.Transport(), req)
}

func answerOf(t *testing.T, transport http.RoundTripper, req *http.Request) (status int, code, message string) {
	t.Helper()
	response, err := transport.RoundTrip(req)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var failure struct {
		Code    string `json:"__type"`
		Message string `json:"message"`
	}
	require.NoError(t, json.Unmarshal(body, &failure))
	return response.StatusCode, failure.Code, failure.Message
}

func TestSignaturesOfRequests(t *testing.T) {
	authorization := func(change func(string) string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set("Authorization", change(req.Header.Get("Authorization"))) }
	}
	replace := func(old, new string) func(*http.Request) {
		return authorization(func(s string) string { return strings.Replace(s, old, new, 1) })
	}
	set := func(value string) func(*http.Request) { return authorization(func(string) string { return value }) }
	const date = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
	tests := []struct {
		name          string
		change        func(*http.Request)
		code, message string
	}{
		{"as signed", func(*http.Request) {}, "", ""},
		{"a header that is not signed", func(req *http.Request) { req.Header.Set("User-Agent", "proxy") }, "", ""},
		{"spaces", authorization(func(s string) string { return strings.ReplaceAll(s, ", ", ",") }), "", ""},
		{"another body", func(req *http.Request) { req.Body = io.NopCloser(strings.NewReader("{ }")) }, "InvalidSignatureException", doesNotMatch},
		{"a body that is no JSON", func(req *http.Request) { req.Body = io.NopCloser(strings.NewReader("}{")) }, "InvalidSignatureException", doesNotMatch},
		{"another header", func(req *http.Request) { req.Header.Set("Content-Type", "application/json") }, "InvalidSignatureException", doesNotMatch},
		{"another host", func(req *http.Request) { req.Host = "api.ecr.eu-west-1.amazonaws.com" }, "InvalidSignatureException", doesNotMatch},
		{"another day", replace("/20000101/", "/20000102/"), "InvalidSignatureException",
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20000102' != '20000101', from '20000101T000000Z'."},
		{"another region", replace("/us-east-1/", "/eu-west-1/"), "InvalidSignatureException", doesNotMatch},
		{"fewer signed headers", replace("content-type;", ""), "InvalidSignatureException", doesNotMatch},
		{"headers signed in another order", replace("x-amz-date;x-amz-target", "x-amz-target;x-amz-date"), "", ""},
		{"a header that is signed and not sent", replace("x-amz-target", "x-amz-target;x-forwarded-for"), "InvalidSignatureException", doesNotMatch},
		{"another query", func(req *http.Request) { req.URL.RawQuery = "Action=None" }, "InvalidSignatureException", doesNotMatch},
		{"host not signed", replace("host;", ""), "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"date not signed", replace("x-amz-date;", ""), "InvalidSignatureException", "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"HTTP's date not signed", func(req *http.Request) {
			replace("x-amz-date;", "")(req)
			req.Header.Set("Date", req.Header.Get("X-Amz-Date"))
			req.Header.Del("X-Amz-Date")
		}, "InvalidSignatureException", "'Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"target not signed", replace(";x-amz-target", ""), "InvalidSignatureException", "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."},
		{"a header of AWS added", func(req *http.Request) { req.Header.Set("X-Amz-Meta", "v") }, "InvalidSignatureException",
			"'X-Amz-Meta' must be a 'SignedHeader' in the AWS Authorization."},
		{"a header of a proxy added", func(req *http.Request) { req.Header.Set("X-Amzn-Trace-Id", "Root=1") }, "", ""},
		{"an unreadable date", func(req *http.Request) { req.Header.Set("X-Amz-Date", "today") }, "IncompleteSignatureException",
			"Date must be in ISO-8601 'basic format'. Got 'today'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"no region", replace("/us-east-1/", "/home/"), "InvalidSignatureException", "Credential should be scoped to a valid region."},
		{"another service", replace("/ecr/", "/s3/"), "InvalidSignatureException", "Credential should be scoped to correct service: 'ecr'."},
		{"another terminator", replace("aws4_request", "aws5_request"), "InvalidSignatureException", "Credential should be scoped with a valid terminator: 'aws4_request'."},
		{"no signature", func(req *http.Request) { req.Header.Del("Authorization") }, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"a registry's token", set("Basic QVdTOnRva2Vu"), "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"nothing but a credential", set("AWS4-HMAC-SHA256 Credential=a/b/c/d/e"), "IncompleteSignatureException",
			"Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256 Credential=a/b/c/d/e"},
		{"no date", func(req *http.Request) {
			set("AWS4-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=c")(req)
			req.Header.Del("X-Amz-Date")
		}, "IncompleteSignatureException", date + " Authorization=AWS4-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=c"},
		{"a short credential", set("AWS4-HMAC-SHA256 Credential=a/b,SignedHeaders=b,Signature=c"), "IncompleteSignatureException",
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				req := rawRequest(t, time.Now(), "{}")
				test.change(req)
				status, code, message := outcomeOf(t, fakeecr.New(t, fakeecr.WithSigV4(faces.Developer)), req)
				require.Equal(t, test.code, code)
				require.Equal(t, test.message, message)
				if code == "" {
					require.Equal(t, http.StatusOK, status)
				} else {
					require.Equal(t, http.StatusBadRequest, status)
				}
			})
		})
	}
}

// Clients sign other headers than the Go SDK: the Java SDK v1 its user agent, and
// some whatever they send. What is signed is the headers as they were sent.
func TestSignaturesOfOtherClients(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithSigV4(faces.Developer))
	registry := fakeecr.New(t, fakeecr.WithSigV4(faces.Developer))
	for name, c := range map[string]struct {
		header           http.Header
		canonical        string
		dateName, layout string
	}{
		"what must be":     {nil, "", "", ""},
		"user agent":       {http.Header{"User-Agent": {"aws-sdk-java/1.12.797 Linux/6.1"}}, "user-agent:aws-sdk-java/1.12.797 Linux/6.1", "", ""},
		"trace":            {http.Header{"X-Amzn-Trace-Id": {"Root=1-5759e988-bd862e3fe1be46a994272793"}}, "x-amzn-trace-id:Root=1-5759e988-bd862e3fe1be46a994272793", "", ""},
		"expect":           {http.Header{"Expect": {"100-continue"}}, "expect:100-continue", "", ""},
		"one of its own":   {http.Header{"My-Header": {"v"}}, "my-header:v", "", ""},
		"empty":            {http.Header{"My-Header": {""}}, "my-header:", "", ""},
		"spaces":           {http.Header{"My-Header": {"  a   b,  c "}}, "my-header:a b, c", "", ""},
		"spaces in quotes": {http.Header{"My-Header": {`"a   b"`}}, `my-header:"a b"`, "", ""},
		"several values":   {http.Header{"My-Header": {"b", " a  a ", "b"}}, "my-header:b,a a,b", "", ""},
		"length":           {nil, "content-length:2", "", ""},
		"AWS's own":        {http.Header{"X-Amz-Content-Sha256": {hexSum("{}")}}, "x-amz-content-sha256:" + hexSum("{}"), "", ""},
		"HTTP's date":      {nil, "", "Date", http.TimeFormat},
		"AWS's date":       {nil, "", "Date", signingTime},
	} {
		t.Run(name, func(t *testing.T) {
			for at, transport := range map[string]http.RoundTripper{"https://api.ecr.us-east-1.amazonaws.com/": registry.Transport(), server.URL + "/": http.DefaultTransport} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader("{}"))
				require.NoError(t, err)
				for name, values := range c.header {
					req.Header[name] = values
				}
				req.Header.Set("X-Amz-Target", faces.Target+"GetAuthorizationToken")
				now := time.Now().UTC()
				dateName, date := cmp.Or(c.dateName, "X-Amz-Date"), now.Format(cmp.Or(c.layout, signingTime))
				req.Header.Set(dateName, date)
				lines := []string{"host:" + req.Host, strings.ToLower(dateName) + ":" + date, "x-amz-target:" + faces.Target + "GetAuthorizationToken"}
				if c.canonical != "" {
					lines = append(lines, c.canonical)
				}
				req.Header.Set("Authorization", signedByHand(now, lines, "{}"))
				status, code, message := answerOf(t, transport, req)
				require.Equal(t, http.StatusOK, status, "%s %s", code, message)
			}
		})
	}
}

const signingTime = "20060102T150405Z"

// signedByHand is the developer's signature over the lines of a canonical request
// of the API with this body.
func signedByHand(at time.Time, headers []string, body string) string {
	slices.Sort(headers)
	var names []string
	for _, header := range headers {
		name, _, _ := strings.Cut(header, ":")
		names = append(names, name)
	}
	signed := strings.Join(names, ";")
	canonical := "POST\n/\n\n" + strings.Join(headers, "\n") + "\n\n" + signed + "\n" + hexSum(body)
	scope := at.Format("20060102") + "/us-east-1/ecr/aws4_request"
	key := []byte("AWS4" + faces.Developer.SecretAccessKey)
	for element := range strings.SplitSeq(scope, "/") {
		key = hmacOf(key, element)
	}
	signature := hmacOf(key, "AWS4-HMAC-SHA256\n"+at.Format(signingTime)+"\n"+scope+"\n"+hexSum(canonical))
	return "AWS4-HMAC-SHA256 Credential=" + faces.Developer.AccessKeyID + "/" + scope + ", SignedHeaders=" + signed + ", Signature=" + hex.EncodeToString(signature)
}

func hmacOf(key []byte, message string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// A signature is good for five minutes either way by the machine's clock, which
// begins at midnight in a bubble.
func TestTimeOfSignatures(t *testing.T) {
	tests := []struct {
		off     time.Duration
		message string
	}{
		{0, ""},
		{-5 * time.Minute, ""},
		{5 * time.Minute, ""},
		{-5*time.Minute - time.Second, "Signature expired: 19991231T235459Z is now earlier than 19991231T235500Z (20000101T000000Z - 5 min.)"},
		{5*time.Minute + time.Second, "Signature not yet current: 20000101T000501Z is still later than 20000101T000500Z (20000101T000000Z + 5 min.)"},
	}
	for _, test := range tests {
		t.Run(test.off.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				registry := fakeecr.New(t, fakeecr.WithSigV4(faces.Developer))
				registry.Advance(time.Hour)
				_, code, message := outcomeOf(t, registry, rawRequest(t, time.Now().Add(test.off), "{}"))
				require.Equal(t, test.message, message)
				require.Equal(t, test.message != "", code == "InvalidSignatureException")
			})
		})
	}
}

// Who does not prove who it is learns nothing, and the trace tells of it.
func TestOrderOfAuthentication(t *testing.T) {
	rule := scenarios.On("DescribeImages").First(1).Fail(scenarios.Throttled())
	for _, f := range faces.New(t, fakeecr.WithSigV4(), fakeecr.WithScenario(scenarios.Scenario{rule.Optional()}))[1:] {
		in := &ecr.DescribeImagesInput{RegistryId: aws.String(faces.Other), RepositoryName: aws.String("Team")}
		_, err := f.DescribeImages(t.Context(), in, faces.SignedBy(faces.Developer))
		requireUnsigned(t, err, "ThrottlingException", "Rate exceeded")
		_, err = f.DescribeImages(t.Context(), in, faces.SignedBy(faces.Developer))
		requireUnsigned(t, err, "UnrecognizedClientException", invalidToken)
		require.ErrorContains(t, f.Registry.Trace()[1].Err, "UnrecognizedClientException")
	}
}

func TestWithSigV4Refuses(t *testing.T) {
	require.PanicsWithValue(t, "fakeecr: credentials without an access key and a secret", func() {
		fakeecr.New(nil, fakeecr.WithSigV4(aws.Credentials{AccessKeyID: "AKIA"}))
	})
	require.PanicsWithValue(t, `fakeecr: an account is 12 digits, not "1"`, func() {
		fakeecr.New(nil, fakeecr.WithSigV4(aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "s", AccountID: "1"}))
	})
}
