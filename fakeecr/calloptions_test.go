package fakeecr_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	smithy "github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

var errOption = errors.New("the option fails")

// unsound fails whatever part of the client it is.
type unsound struct{ smithyhttp.ClientProtocol }

func (unsound) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errOption
}

func (unsound) SignHTTP(context.Context, aws.Credentials, *http.Request, string, string, string, time.Time, ...func(*v4.SignerOptions)) error {
	return errOption
}

func (unsound) ResolveAuthSchemes(context.Context, *ecr.AuthResolverParameters) ([]*smithyauth.Option, error) {
	return nil, errOption
}

func (unsound) BeforeExecution(context.Context, *smithyhttp.InterceptorContext) error {
	return errOption
}

func (unsound) SerializeRequest(context.Context, *smithy.OperationSchema, smithy.Serializable, *smithyhttp.Request) error {
	return errOption
}

// callOptions are options of a call by the member that they set, and what they make
// of a DescribeRepositories that is throttled once: the member's own failure, a
// success, or the same as without them.
var callOptions = map[string]struct {
	set   func(*ecr.Options)
	comes string
}{
	"APIOptions": {func(o *ecr.Options) {
		o.APIOptions = append(o.APIOptions, func(*middleware.Stack) error { return errOption })
	}, "fails"},
	"AppID":                      {func(o *ecr.Options) { o.AppID = "app" }, ""},
	"AuthSchemePreference":       {func(o *ecr.Options) { o.AuthSchemePreference = []string{"noAuth"} }, ""},
	"AuthSchemeResolver":         {func(o *ecr.Options) { o.AuthSchemeResolver = unsound{} }, "fails"},
	"AuthSchemes":                {func(o *ecr.Options) { o.AuthSchemes = []smithyhttp.AuthScheme{} }, ""},
	"ClientLogMode":              {func(o *ecr.Options) { o.ClientLogMode = aws.LogRequest }, ""},
	"Credentials":                {func(o *ecr.Options) { o.Credentials = unsound{} }, "get identity: get credentials: the option fails"},
	"DefaultsMode":               {func(o *ecr.Options) { o.DefaultsMode = aws.DefaultsModeStandard }, ""},
	"DisableClockSkewCorrection": {func(o *ecr.Options) { o.DisableClockSkewCorrection = true }, ""},
	// A BaseEndpoint excludes it.
	"EndpointOptions": {func(o *ecr.Options) { o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled }, ""},
	"HTTPSignerV4":    {func(o *ecr.Options) { o.HTTPSignerV4 = unsound{} }, ""}, // which the auth schemes have by then
	"Interceptors":    {func(o *ecr.Options) { o.Interceptors.AddBeforeExecution(unsound{}) }, "fails"},
	"Logger":          {func(o *ecr.Options) { o.Logger = logging.Nop{} }, ""},
	"MeterProvider":   {func(o *ecr.Options) { o.MeterProvider = metrics.NopMeterProvider{} }, ""},
	"Protocol":        {func(o *ecr.Options) { o.Protocol = unsound{o.Protocol} }, "fails"},
	"Region":          {func(o *ecr.Options) { o.Region = "eu-west-1" }, ""},
	"Retryer": {func(o *ecr.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 1 })
	}, "ok"},
	"RetryMaxAttempts":   {func(o *ecr.Options) { o.RetryMaxAttempts = 2 }, ""},
	"RetryMode":          {func(o *ecr.Options) { o.RetryMode = aws.RetryModeAdaptive }, ""},
	"RuntimeEnvironment": {func(o *ecr.Options) { o.RuntimeEnvironment.Region = "eu-west-1" }, ""},
	"TracerProvider":     {func(o *ecr.Options) { o.TracerProvider = &tracing.NopTracerProvider{} }, ""},
}

// What an option changes for the client it changes for a direct call, and the doc of
// API names the others.
func TestOptionsOfACall(t *testing.T) {
	source, err := os.ReadFile("api_gen.go")
	require.NoError(t, err)
	doc := regexp.MustCompile(`(?m)(^//.*\n)+type API `).FindString(string(source))
	outcome := func(t *testing.T, registry *fakeecr.Registry, api fakeecr.API, set func(*ecr.Options)) string {
		playing := registry.Play(scenarios.Scenario{scenarios.On("DescribeRepositories").First(1).Fail(scenarios.Throttled()).Optional()})
		defer playing.Stop()
		calls := len(registry.Trace())
		_, err := api.DescribeRepositories(t.Context(), nil, set)
		seen := ""
		for _, call := range registry.Trace()[calls:] {
			seen += " " + call.Region
		}
		if err == nil {
			return "ok" + seen
		}
		return origin.ReplaceAllString(err.Error(), "") + " " + faces.Chain(err) + seen
	}
	requestID := regexp.MustCompile(`RequestID: [0-9a-f-]*`)
	members := reflect.TypeFor[ecr.Options]()
	for i := range members.NumField() {
		member := members.Field(i)
		if !member.IsExported() {
			continue
		}
		c, honoured := callOptions[member.Name]
		if !honoured {
			require.Contains(t, doc, member.Name)
			continue
		}
		t.Run(member.Name, func(t *testing.T) {
			bare, server := fakeecr.New(t), fakeecr.NewServer(t)
			for _, f := range []struct {
				registry *fakeecr.Registry
				client   fakeecr.API
			}{{bare, bare.Client(faces.Once)}, {server.Registry, server.Client(faces.Once)}} {
				want := requestID.ReplaceAllString(outcome(t, f.registry, f.client, c.set), "")
				got := requestID.ReplaceAllString(outcome(t, f.registry, f.registry, c.set), "")
				require.Equal(t, want, got)
				require.Contains(t, got, c.comes)
			}
		})
	}
}

// The members that the doc of API names lead a direct call nowhere.
func TestOptionsOfACallThatStays(t *testing.T) {
	server := fakeecr.NewServer(t)
	server.MustPush(faces.App+":v1", fakeecr.RandomImage(1))
	for _, registry := range []*fakeecr.Registry{fakeecr.New(t), server.Registry} {
		_, err := registry.DescribeRepositories(t.Context(), nil, func(o *ecr.Options) {
			o.HTTPClient, o.BaseEndpoint = nil, aws.String("http://127.0.0.1:1")
			o.EndpointResolver, o.EndpointResolverV2 = ecr.EndpointResolverFromURL("http://127.0.0.1:1"), nil
		})
		require.NoError(t, err)
		last := registry.Trace()[len(registry.Trace())-1]
		require.Equal(t, scenarios.FaceGo, last.Face)
	}
	out, err := server.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{
		RepositoryName: aws.String(faces.App), LayerDigest: aws.String(faces.DigestOf(fakeecr.RandomImage(1).Blobs[0])),
	}, func(o *ecr.Options) { o.AppID = "app" })
	require.NoError(t, err)
	status, body := faces.Fetch(t, *out.DownloadUrl)
	require.Equal(t, 200, status)
	require.Equal(t, string(fakeecr.RandomImage(1).Blobs[0]), body)
}

// A provider of credentials is asked once for each call, and its failure is the call's.
func TestCredentialsOfACallFail(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		asked := 0
		_, err := f.DescribeRepositories(t.Context(), nil, func(o *ecr.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				asked++
				return aws.Credentials{}, &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform: sts:AssumeRole"}
			})
		})
		require.EqualError(t, err, "operation error ECR: DescribeRepositories, get identity: get credentials: api error AccessDenied: not authorized to perform: sts:AssumeRole")
		require.Equal(t, 1, asked)
		require.Empty(t, f.Registry.Trace())
	})
}

// Credentials of a call name the caller by their key, whoever the registry's own is.
func TestCredentialsOfACallNameTheCaller(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.Create(t, f.Account(faces.Other), "their/app")
		key := accessKeyID(t, f.As(faces.Alice, faces.Identity("Allow", "ecr:Describe*", "*")).Registry.Client())
		by := func(f faces.Face, key string) error {
			_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")},
				faces.SignedBy(aws.Credentials{AccessKeyID: key, SecretAccessKey: "fakeecr"}))
			return err
		}
		denied := faces.NotAllowed(faces.Alice, "CreateRepository", faces.OwnARN+"team/app", "identity-based")
		faces.RequireDenied(t, by(f, key), denied)
		faces.RequireDenied(t, by(f.As(faces.Deployer), key), denied)
		last := f.Registry.Trace()[len(f.Registry.Trace())-1]
		require.Equal(t, faces.Alice, last.Caller)
		require.NoError(t, by(f.As(faces.Alice), "123456789012"), "the account's own")
		require.NoError(t, by(f, faces.Other), "another account's")
		require.Equal(t, []string{"team/app", "their/app"}, faces.Repositories(t, f.Account(faces.Other)))
	})
	registry := fakeecr.New(t, fakeecr.WithSigV4())
	_, err := registry.DescribeRepositories(t.Context(), nil, func(o *ecr.Options) { o.AppID = "app" })
	require.NoError(t, err)
	_, err = registry.DescribeRepositories(t.Context(), nil, faces.SignedBy(faces.Developer))
	faces.RequireRefusal(t, err, "UnrecognizedClientException", "The security token included in the request is invalid.")
}

// A page of a paginator costs what a call without options does, and not a client.
func TestPagesNeedNoClient(t *testing.T) {
	registry := fakeecr.New(t)
	in := &ecr.DescribeRepositoriesInput{}
	plain := testing.AllocsPerRun(10, func() {
		_, err := registry.DescribeRepositories(t.Context(), in)
		require.NoError(t, err)
	})
	paged := testing.AllocsPerRun(10, func() {
		_, err := ecr.NewDescribeRepositoriesPaginator(registry, in).NextPage(t.Context())
		require.NoError(t, err)
	})
	require.Less(t, paged, plain+20)
}
