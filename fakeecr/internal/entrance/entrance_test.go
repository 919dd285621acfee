package entrance_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/schemas"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/constraint/constrainttest"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

// send posts a body as any client of the API would.
func send(t testing.TB, url, target, body string) (status int, header http.Header, answer string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("X-Amz-Target", target)
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(text)
}

func TestWire(t *testing.T) {
	server := fakeecr.NewServer(t)
	server.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
	serialization := `"__type":"SerializationException"`
	for name, c := range map[string]struct {
		target, body string
		status       int
		says         string
	}{
		"unknown operation":    {faces.Target + "PutLayer", `{}`, 400, `"__type":"UnknownOperationException"`},
		"no target":            {"", `{}`, 400, `"__type":"UnknownOperationException"`},
		"unknown service":      {"SpencerFrontendService.DescribeRepositories", `{}`, 400, `"__type":"UnknownOperationException"`},
		"no JSON":              {faces.Target + "DescribeRepositories", `{"repositoryNames"`, 400, serialization},
		"not an object":        {faces.Target + "DescribeRepositories", `[]`, 400, serialization},
		"number for a string":  {faces.Target + "DescribeImages", `{"repositoryName":5}`, 400, serialization},
		"string for a number":  {faces.Target + "DescribeRepositories", `{"maxResults":"5"}`, 400, serialization},
		"object for a list":    {faces.Target + "DescribeRepositories", `{"repositoryNames":{}}`, 400, serialization},
		"string for a boolean": {faces.Target + "DeleteRepository", `{"repositoryName":"team/app","force":"true"}`, 400, serialization},
		"number for a member":  {faces.Target + "BatchGetImage", `{"repositoryName":"team/app","imageIds":[5]}`, 400, serialization},
		"bad base64":           {faces.Target + "UploadLayerPart", `{"layerPartBlob":"!","repositoryName":"team/app"}`, 400, serialization},
		"unknown member":       {faces.Target + "ListImages", `{"repositoryName":"team/app","color":{"a":[1]}}`, 200, `"imageTag":"v1"`},
		"null is absent":       {faces.Target + "DescribeRepositories", `{"repositoryNames":null,"maxResults":null}`, 200, `"repositoryName":"team/app"`},
		"empty body":           {faces.Target + "DescribeRepositories", ``, 200, `"repositoryName":"team/app"`},
		"missing member":       {faces.Target + "DescribeImages", `{}`, 400, `Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must not be null'`},
		"empty list":           {faces.Target + "BatchGetImage", `{"repositoryName":"team/app","imageIds":[]}`, 400, `Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length greater than or equal to 1'`},
		"nothing found":        {faces.Target + "BatchGetImage", `{"repositoryName":"team/app","imageIds":[{"imageTag":"v2"}]}`, 200, `"images":[]`},
		"no failure":           {faces.Target + "BatchDeleteImage", `{"repositoryName":"team/app","imageIds":[{"imageTag":"v2"}]}`, 200, `"imageIds":[]`},
		"error": {faces.Target + "DescribeImages", `{"repositoryName":"none"}`, 400,
			`{"__type":"RepositoryNotFoundException","message":"The repository with name 'none' does not exist in the registry with id '123456789012'"}`},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, body := send(t, server.URL, c.target, c.body)
			require.Equal(t, c.status, status, body)
			require.Contains(t, body, c.says)
			require.True(t, json.Valid([]byte(body)))
			require.Equal(t, "application/x-amz-json-1.1", header.Get("Content-Type"))
			require.NoError(t, uuid.Validate(header.Get("x-amzn-RequestId")))
		})
	}
}

func TestTimesHaveMilliseconds(t *testing.T) {
	server := fakeecr.NewServer(t)
	_, _, body := send(t, server.URL, faces.Target+"CreateRepository", `{"repositoryName":"team/app"}`)
	require.Regexp(t, `"createdAt":\d{10}(\.\d{1,3})?[,}]`, body)
}

// A request that is not for the API is told in the API's form where the API is.
func TestOtherRequests(t *testing.T) {
	const at = "The API of ECR is at POST /, so that the URL of an endpoint ends with its host; the endpoint of registry clients is at /v2/, and layers are at the URLs of GetDownloadUrlForLayer."
	registry := fakeecr.New(t)
	for name, c := range map[string]struct {
		method, path string
		status       int
		code         string
	}{
		"get":                       {http.MethodGet, "/", 405, "MethodNotAllowedException"},
		"options":                   {http.MethodOptions, "/", 405, "MethodNotAllowedException"},
		"elsewhere":                 {http.MethodPut, "/elsewhere", 404, "UnknownOperationException"},
		"an endpoint with a path":   {http.MethodPost, "/ecr", 404, "UnknownOperationException"},
		"control without a program": {http.MethodPost, "/_fakeecr/reset", 404, "UnknownOperationException"},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := registry.Transport().RoundTrip(httptest.NewRequest(c.method, "https://api.ecr.us-east-1.amazonaws.com"+c.path, nil))
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, c.status, response.StatusCode)
			require.Equal(t, "application/x-amz-json-1.1", response.Header.Get("Content-Type"))
			require.NoError(t, uuid.Validate(response.Header.Get("X-Amzn-Requestid")))
			require.Equal(t, c.status == 405, response.Header.Get("Allow") == "OPTIONS, POST")
			require.JSONEq(t, fmt.Sprintf(`{"__type":%q,"message":"fakeecr does not serve %s %s. %s"}`, c.code, c.method, c.path, at), string(body))
		})
	}
	require.Empty(t, registry.Trace())
}

// A client whose endpoint has a path shows what is wrong with it.
func TestEndpointWithAPath(t *testing.T) {
	server := fakeecr.NewServer(t)
	_, err := server.Client(faces.Once).DescribeRepositories(t.Context(), nil, func(o *ecr.Options) { o.BaseEndpoint = aws.String(server.URL + "/ecr") })
	faces.RequireRefusal(t, err, "UnknownOperationException", "fakeecr does not serve POST /ecr. The API of ECR is at POST /, so that the URL of an endpoint ends with its host; the endpoint of registry clients is at /v2/, and layers are at the URLs of GetDownloadUrlForLayer.")
	var response *smithyhttp.ResponseError
	require.ErrorAs(t, err, &response)
	require.Equal(t, http.StatusNotFound, response.HTTPStatusCode())
}

func TestOtherRequestsOfDownloads(t *testing.T) {
	handler := fakeecr.New(t).Handler()
	for name, c := range map[string]struct {
		method, path string
		status       int
	}{
		"of nothing":     {http.MethodGet, "/starport-layer-bucket/", 404},
		"without a name": {http.MethodGet, "/starport-layer-bucket/a/b/c/d", 403},
		"by POST":        {http.MethodPost, "/starport-layer-bucket/a/b/c/d", 405},
	} {
		t.Run(name, func(t *testing.T) {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(c.method, c.path, nil))
			require.Equal(t, c.status, answer.Code)
		})
	}
}

// Each violation of the service model is answered in ECR's words and changes
// nothing.
func TestConstraintsOverHTTP(t *testing.T) {
	server := fakeecr.NewServer(t)
	server.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
	_, _, before := send(t, server.URL, faces.Target+"DescribeRepositories", `{}`)
	swept := 0
	for _, op := range constraint.Operations() {
		for _, violation := range constrainttest.Violations(op.Name) {
			status, _, body := send(t, server.URL, faces.Target+op.Name, bodyOf(t, violation.Input))
			var answer struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &answer))
			require.Equal(t, 400, status)
			require.Equal(t, "InvalidParameterException", answer.Type, "%s %s", op.Name, violation.Name)
			require.Equal(t, violation.Message(), answer.Message, "%s %s", op.Name, violation.Name)
			swept++
		}
	}
	require.Greater(t, swept, 461)
	_, _, after := send(t, server.URL, faces.Target+"DescribeRepositories", `{}`)
	require.Equal(t, before, after)
}

// bodyOf is an input as the SDK writes it.
func bodyOf(t testing.TB, in any) string {
	t.Helper()
	request := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	protocol := awsjson.New11(schemas.AmazonEC2ContainerRegistry_V20150921)
	schema := smithy.NewOperationSchema(schemas.DescribeRegistry, schemas.DescribeRegistryRequest, nil)
	require.NoError(t, protocol.SerializeRequest(t.Context(), schema, in.(smithy.Serializable), request))
	body, err := io.ReadAll(request.GetStream())
	require.NoError(t, err)
	return string(body)
}

func TestRequestsFindTheirRegistry(t *testing.T) {
	registry := fakeecr.New(t)
	for _, r := range []*fakeecr.Registry{registry, registry.In("eu-west-1"), registry.Account("210987654321"), registry.Account("210987654321").In("eu-west-1")} {
		_, err := r.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(r.AccountID() + "/" + r.Region())})
		require.NoError(t, err)
	}
	scope := func(key, region string) string {
		return "AWS4-HMAC-SHA256 Credential=" + key + "/20260101/" + region + "/ecr/aws4_request, SignedHeaders=host, Signature=00"
	}
	for name, c := range map[string]struct{ host, authorization, want string }{
		"by default":              {"127.0.0.1:80", "", "123456789012/us-east-1"},
		"by scope":                {"127.0.0.1:80", scope("AKIAEXAMPLE", "eu-west-1"), "123456789012/eu-west-1"},
		"by key":                  {"127.0.0.1:80", scope("210987654321", "us-east-1"), "210987654321/us-east-1"},
		"by key and scope":        {"127.0.0.1:80", scope("210987654321", "eu-west-1"), "210987654321/eu-west-1"},
		"by API host":             {"api.ecr.eu-west-1.amazonaws.com", "", "123456789012/eu-west-1"},
		"by short API host":       {"ecr.eu-west-1.amazonaws.com:443", scope("210987654321", "us-east-1"), "210987654321/eu-west-1"},
		"by registry host":        {"210987654321.dkr.ecr.eu-west-1.amazonaws.com", "", "210987654321/eu-west-1"},
		"by a scope that is none": {"127.0.0.1:80", "AWS4-HMAC-SHA256 Credential=a/b", "123456789012/us-east-1"},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(nil))
			request.Host = c.host
			request.Header.Set("X-Amz-Target", faces.Target+"DescribeRepositories")
			request.Header.Set("Authorization", c.authorization)
			answer := httptest.NewRecorder()
			registry.Handler().ServeHTTP(answer, request)
			require.Equal(t, 200, answer.Code)
			require.Contains(t, answer.Body.String(), `"repositoryName":"`+c.want+`"`)
			require.Equal(t, 1, strings.Count(answer.Body.String(), `"repositoryName"`))
		})
	}
}

// FuzzHandler holds that no request gets a 500, ends the process or is answered
// with anything but JSON.
func FuzzHandler(f *testing.F) {
	f.Add("DescribeRepositories", `{"maxResults":1}`)
	f.Add("PutImage", `{"repositoryName":"team/app","imageManifest":"{}"}`)
	f.Add("UploadLayerPart", `{"layerPartBlob":"`+base64.StdEncoding.EncodeToString([]byte("part"))+`","repositoryName":"team/app","partFirstByte":0,"partLastByte":3}`)
	f.Add("BatchDeleteImage", `{"repositoryName":"team/app","imageIds":[{"imageTag":"v1"}]}`)
	f.Add("CreateRepository", `{"repositoryName":"a","tags":[{"Key":"k","Value":"v"}]}`)
	for _, op := range constraint.Operations() {
		f.Add(op.Name, bodyOf(f, constrainttest.Valid(op.Name)))
	}
	f.Fuzz(func(t *testing.T, operation, body string) {
		registry := fakeecr.New(t, fakeecr.WithSeed(1))
		registry.MustPush("team/app:v1", fakeecr.RandomImage(1, 10))
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		request.Header["X-Amz-Target"] = []string{faces.Target + operation}
		answer := httptest.NewRecorder()
		registry.Handler().ServeHTTP(answer, request)
		require.Contains(t, []int{200, 400, 413}, answer.Code)
		require.True(t, json.Valid(answer.Body.Bytes()))
	})
}

func TestHandlerInAServerOfTheUsers(t *testing.T) {
	registry := fakeecr.New(t)
	server := httptest.NewServer(registry.Handler())
	t.Cleanup(server.Close)
	image := fakeecr.RandomImage(1, 3000)
	registry.MustPush("team/app:v1", image)

	_, _, body := send(t, server.URL, faces.Target+"GetDownloadUrlForLayer", `{"repositoryName":"team/app","layerDigest":"`+faces.DigestOf(image.Blobs[0])+`"}`)
	var answer struct{ DownloadURL string }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	require.True(t, strings.HasPrefix(answer.DownloadURL, server.URL), answer.DownloadURL)

	playing := registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").Drop()})
	defer playing.Stop()
	request, err := http.NewRequest(http.MethodPost, server.URL, nil)
	require.NoError(t, err)
	request.Header.Set("X-Amz-Target", faces.Target+"DescribeRepositories")
	_, err = http.DefaultClient.Do(request)
	require.ErrorIs(t, err, io.EOF)
}

// A client of another service that was led here is told so in its own protocol.
func TestOtherServices(t *testing.T) {
	server := fakeecr.NewServer(t, fakeecr.WithSigV4())
	server.Setenv(t)
	loaded, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	says := func(service, operation, variable string) string {
		return "This is fakeecr, which serves Amazon ECR and not " + service + ", whose " + operation + " this is. AWS_ENDPOINT_URL leads the clients of all services here: " +
			"set AWS_ENDPOINT_URL_" + variable + " to where that service is, or AWS_ENDPOINT_URL_ECR instead of AWS_ENDPOINT_URL."
	}
	_, err = sts.NewFromConfig(loaded).GetSessionToken(t.Context(), nil)
	rest := strings.Replace(says("the rest of sts", "GetSessionToken", "STS"), "Amazon ECR", "Amazon ECR, of sts GetCallerIdentity, AssumeRole and AssumeRoleWithWebIdentity,", 1)
	faces.RequireRefusal(t, err, "InvalidAction", rest)
	_, err = sts.New(sts.Options{Region: "us-east-1", Credentials: server.Client().Options().Credentials, HTTPClient: &http.Client{Transport: server.Transport()}}).GetSessionToken(t.Context(), nil)
	rest, _, _ = strings.Cut(rest, "AWS_ENDPOINT_URL")
	faces.RequireRefusal(t, err, "InvalidAction", rest+"What leads AWS's own names here is a proxy, a transport or the hosts file, and no AWS_ENDPOINT_URL.")
	require.Empty(t, server.Trace())

	const signature = "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=00"
	for name, c := range map[string]struct {
		method, path, signed, target, media, body string
		xml                                       bool
		says                                      string
	}{
		"an unsigned target":         {"POST", "/", "", "secretsmanager.GetSecretValue", "application/x-amz-json-1.1", "{}", false, says("secretsmanager", "GetSecretValue", "SECRETS_MANAGER")},
		"JSON of another version":    {"POST", "/", "dynamodb", "DynamoDB_20120810.GetItem", "application/x-amz-json-1.0", "{}", false, says("dynamodb", "GetItem", "DYNAMODB")},
		"a service of no table":      {"POST", "/", "signer", "Signer.GetProfile", "application/x-amz-json-1.1", "{}", false, says("signer", "GetProfile", "SIGNER")},
		"JSON by path":               {"GET", "/clusters/blue", "eks", "", "", "", false, "and not eks. AWS_ENDPOINT_URL"},
		"an action in the URL":       {"GET", "/?Action=GetAccessKeyInfo&Version=2011-06-15", "", "", "", "", true, "not the rest of sts, whose GetAccessKeyInfo this is."},
		"the rest of ECR Public":     {"POST", "/", "ecr-public", "SpencerFrontendService.DescribeRepositories", "application/x-amz-json-1.1", "{}", false, "which serves Amazon ECR, of ecr-public GetAuthorizationToken, and not the rest of ecr-public, whose DescribeRepositories this is."},
		"an action of nobody":        {"POST", "/", "", "", "application/x-www-form-urlencoded; charset=utf-8", "Action=Act", true, "and not another service, whose Act this is. AWS_ENDPOINT_URL leads the clients of all services here: set AWS_ENDPOINT_URL_<SERVICE>"},
		"the query protocol of EC2":  {"POST", "/", "ec2", "", "application/x-www-form-urlencoded", "Action=DescribeVpcs&Version=2016-11-15", true, says("ec2", "DescribeVpcs", "EC2")},
		"the store":                  {"PUT", "/bucket/key", "s3", "", "", "", true, "and not s3. AWS_ENDPOINT_URL"},
		"the query protocol of IAM":  {"POST", "/", "iam", "", "application/x-www-form-urlencoded", "Action=GetRole&Version=2010-05-08", true, says("iam", "GetRole", "IAM")},
		"a form that is none":        {"POST", "/", "", "", "application/x-www-form-urlencoded", "%", false, "ECR has no operation"},
		"a target of ECR by another": {"POST", "/", "sts", faces.Target + "PutLayer", "application/x-amz-json-1.1", "{}", false, "ECR has no operation"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(c.method, server.URL+c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			if c.signed != "" {
				request.Header.Set("Authorization", fmt.Sprintf(signature, c.signed))
			}
			request.Header.Set("X-Amz-Target", c.target)
			request.Header.Set("Content-Type", c.media)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			body := string(text)
			require.Equal(t, 400, response.StatusCode, body)
			require.NoError(t, uuid.Validate(response.Header.Get("x-amzn-RequestId")))
			if !c.xml {
				require.True(t, json.Valid([]byte(body)), body)
				require.Contains(t, body, c.says)
				require.Contains(t, []string{c.media, "application/x-amz-json-1.1"}, response.Header.Get("Content-Type"))
				return
			}
			require.Equal(t, "text/xml", response.Header.Get("Content-Type"))
			require.NoError(t, xml.Unmarshal(text, &struct{ XMLName xml.Name }{}))
			require.Contains(t, html.UnescapeString(body), c.says)
		})
	}
}
