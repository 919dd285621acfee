package entrance_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

const (
	ciRole    = "arn:aws:iam::123456789012:role/path/ci"
	ciSession = "arn:aws:sts::123456789012:assumed-role/ci/build"
)

// withSTS runs a test on a fresh world of each face, with a client of STS: that of a
// direct call has no socket either.
func withSTS(t *testing.T, test func(t *testing.T, f faces.Face, asker *sts.Client), options ...fakeecr.Option) {
	t.Helper()
	options = append([]fakeecr.Option{fakeecr.WithSeed(1)}, options...)
	own := sts.Options{
		Region: "us-east-1", Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "fakeecr", ""),
	}
	for _, make := range []func(*fakeecr.Registry) faces.Face{faces.Direct, faces.Socketless} {
		registry := fakeecr.New(t, options...)
		f := make(registry)
		t.Run(f.Name, func(t *testing.T) {
			test(t, f, sts.New(own, func(o *sts.Options) { o.HTTPClient = &http.Client{Transport: registry.Transport()} }))
		})
	}
	t.Run("loopback", func(t *testing.T) {
		server := fakeecr.NewServer(t, options...)
		test(t, faces.Loopback(server), sts.New(own, func(o *sts.Options) { o.BaseEndpoint = &server.URL }))
	})
}

func assume(role string, with ...func(*sts.AssumeRoleInput)) *sts.AssumeRoleInput {
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("build")}
	for _, set := range with {
		set(in)
	}
	return in
}

// holding are the keys of a session as the option of a call.
func holding(c *ststypes.Credentials) func(*ecr.Options) {
	return func(o *ecr.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	}
}

func TestGetCallerIdentity(t *testing.T) {
	withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
		out, err := asker.GetCallerIdentity(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "arn:aws:iam::123456789012:user/fakeecr", *out.Arn)
		require.Equal(t, "123456789012", *out.Account)
		require.Regexp(t, `^AIDA[A-Z2-7]{17}$`, *out.UserId)
		call := f.Registry.Trace()[0]
		require.Equal(t, "GetCallerIdentity", call.Operation)
		require.Equal(t, *out.Arn, call.Caller)
		require.Equal(t, *out.Arn, *call.Output.(*scenarios.GetCallerIdentityOutput).Arn)
	}, fakeecr.WithSigV4())
}

// The session of a role calls ECR in its name, and is refused once it has ended.
func TestAssumeRole(t *testing.T) {
	withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
		before := f.Registry.Now()
		out, err := asker.AssumeRole(t.Context(), assume(ciRole, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(900) }))
		require.NoError(t, err)
		keys := out.Credentials
		require.Regexp(t, `^ASIA[A-Z2-7]{16}$`, *keys.AccessKeyId)
		require.Len(t, *keys.SecretAccessKey, 40)
		require.Greater(t, len(*keys.SessionToken), 100)
		require.WithinRange(t, *keys.Expiration, before.Add(15*time.Minute).Truncate(time.Second), f.Registry.Now().Add(15*time.Minute))
		require.Equal(t, ciSession, *out.AssumedRoleUser.Arn)
		require.Regexp(t, `^AROA[A-Z2-7]{17}:build$`, *out.AssumedRoleUser.AssumedRoleId)

		_, err = f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(faces.App)}, holding(keys))
		require.NoError(t, err)
		require.Equal(t, ciSession, f.Registry.Calls("CreateRepository")[0].Caller)
		who, err := asker.GetCallerIdentity(t.Context(), nil, func(o *sts.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider(*keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)
		})
		require.NoError(t, err)
		require.Equal(t, ciSession, *who.Arn)
		require.Equal(t, *out.AssumedRoleUser.AssumedRoleId, *who.UserId)

		f.Registry.Advance(keys.Expiration.Sub(f.Registry.Now()) - time.Millisecond)
		f.Registry.Advance(time.Millisecond)
		_, err = f.DescribeRepositories(t.Context(), nil, holding(keys))
		faces.RequireRefusal(t, err, "ExpiredTokenException", "The security token included in the request is expired")
		_, err = asker.GetCallerIdentity(t.Context(), nil, func(o *sts.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider(*keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)
		})
		requireIdentityRefusal(t, err, 403, "ExpiredToken", "The security token included in the request is expired")
	})
}

// requireIdentityRefusal holds that STS refused a call in its own form.
func requireIdentityRefusal(t *testing.T, err error, status int, code, message string) {
	t.Helper()
	faces.RequireRefusal(t, err, code, message)
	var response *awshttp.ResponseError
	require.ErrorAs(t, err, &response)
	require.Equal(t, status, response.HTTPStatusCode())
	require.NotEmpty(t, response.ServiceRequestID())
}

// Where signatures count, those of a session do, with its secret and its token.
func TestSessionsSign(t *testing.T) {
	withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
		out, err := asker.AssumeRole(t.Context(), assume(ciRole))
		require.NoError(t, err)
		keys := out.Credentials
		_, err = f.DescribeRepositories(t.Context(), nil, holding(keys))
		require.NoError(t, err)
		another, err := asker.AssumeRole(t.Context(), assume(ciRole)) // the SDK's signer knows the key of the first by its id
		require.NoError(t, err)
		wrong := *another.Credentials
		wrong.SecretAccessKey = aws.String("wrong")
		_, err = f.DescribeRepositories(t.Context(), nil, holding(&wrong))
		var refused interface{ ErrorCode() string }
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "InvalidSignatureException", refused.ErrorCode())
		wrong = *keys
		wrong.SessionToken = aws.String("wrong")
		_, err = f.DescribeRepositories(t.Context(), nil, holding(&wrong))
		faces.RequireRefusal(t, err, "UnrecognizedClientException", invalidToken)

		f.Registry.Advance(time.Hour)
		_, err = f.DescribeRepositories(t.Context(), nil, holding(keys))
		faces.RequireRefusal(t, err, "ExpiredTokenException", "The security token included in the request is expired")

		for _, c := range []struct {
			key, secret, token string
			code, message      string
		}{
			{"AKIANOBODY", "s", "", "InvalidClientTokenId", invalidToken},
			{"123456789012", "wrong", "", "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
		} {
			_, err = asker.GetCallerIdentity(t.Context(), nil, func(o *sts.Options) {
				o.Credentials = credentials.NewStaticCredentialsProvider(c.key, c.secret, c.token)
			})
			requireIdentityRefusal(t, err, 403, c.code, c.message)
		}
	}, fakeecr.WithSigV4())
}

// A session may do what its role may, as far as its own policy leaves it.
func TestSessionsHaveTheirRolesPolicies(t *testing.T) {
	allow := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`
	}
	withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
		faces.Create(t, f.Registry, faces.App)
		f.Registry.As(ciRole, allow(`["ecr:ListImages","ecr:DescribeImages","ecr:GetAuthorizationToken"]`))
		list := func(keys *ststypes.Credentials) error {
			_, err := f.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String(faces.App)}, holding(keys))
			return err
		}
		describe := func(keys *ststypes.Credentials) error {
			_, err := f.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String(faces.App)}, holding(keys))
			return err
		}
		whole, err := asker.AssumeRole(t.Context(), assume(ciRole))
		require.NoError(t, err)
		part, err := asker.AssumeRole(t.Context(), assume(ciRole, func(in *sts.AssumeRoleInput) { in.Policy = aws.String(allow(`"ecr:*Images"`)) }))
		require.NoError(t, err)
		less, err := asker.AssumeRole(t.Context(), assume(ciRole, func(in *sts.AssumeRoleInput) { in.Policy = aws.String(allow(`"ecr:List*"`)) }))
		require.NoError(t, err)
		require.NoError(t, list(whole.Credentials))
		require.NoError(t, describe(whole.Credentials))
		require.NoError(t, describe(part.Credentials))
		require.NoError(t, list(less.Credentials))
		faces.RequireRefusal(t, describe(less.Credentials), "AccessDeniedException",
			"User: "+ciSession+" is not authorized to perform: ecr:DescribeImages on resource: arn:aws:ecr:us-east-1:123456789012:repository/team/app because no identity-based policy allows the ecr:DescribeImages action")
		_, err = f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("other")}, holding(part.Credentials))
		require.ErrorContains(t, err, "ecr:CreateRepository", "the role may not")

		f.Registry.As(ciRole, allow(`"ecr:Describe*"`))
		require.ErrorContains(t, list(whole.Credentials), "AccessDeniedException")
		require.NoError(t, describe(whole.Credentials))
	})
}

// A policy that names the role is about its sessions, and what a session pushes to the
// registry endpoint it pushes in its name.
func TestSessionsInPolicies(t *testing.T) {
	withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
		faces.Create(t, f.Registry, faces.App)
		_, err := f.Registry.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String(faces.App), PolicyText: aws.String(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:role/deploy"},"Action":"ecr:*"}}`)})
		require.NoError(t, err)
		for role, allowed := range map[string]bool{"deploy": true, "other": false} {
			out, err := asker.AssumeRole(t.Context(), assume("arn:aws:iam::210987654321:role/"+role))
			require.NoError(t, err)
			_, err = f.ListImages(t.Context(), &ecr.ListImagesInput{RegistryId: aws.String("123456789012"), RepositoryName: aws.String(faces.App)}, holding(out.Credentials))
			if allowed {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "AccessDeniedException")
			}
			_, err = f.GetAuthorizationToken(t.Context(), nil, holding(out.Credentials))
			require.NoError(t, err)
		}
	})
}

func TestAssumeRoleRefuses(t *testing.T) {
	named := func(name string) func(*sts.AssumeRoleInput) {
		return func(in *sts.AssumeRoleInput) { in.RoleSessionName = &name }
	}
	lasting := func(seconds int32) func(*sts.AssumeRoleInput) {
		return func(in *sts.AssumeRoleInput) { in.DurationSeconds = &seconds }
	}
	withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
		for name, c := range map[string]struct {
			in            *sts.AssumeRoleInput
			status        int
			code, message string
		}{
			"too short":   {assume(ciRole, lasting(899)), 400, "ValidationError", "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
			"too long":    {assume(ciRole, lasting(43201)), 400, "ValidationError", "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
			"a name":      {assume(ciRole, named("a b")), 400, "ValidationError", `1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
			"two of them": {assume(ciRole, named("a"), lasting(0)), 400, "ValidationError", "2 validation errors detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2; Value '0' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
			"no role":     {assume("arn:aws:iam::123456789012:user/someone"), 400, "ValidationError", "arn:aws:iam::123456789012:user/someone is invalid"},
			"of nobody": {assume("arn:aws:iam::123456789012:role/none"), 403, "AccessDenied",
				"User: arn:aws:iam::123456789012:user/fakeecr is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/none"},
			"no policy": {assume(ciRole, func(in *sts.AssumeRoleInput) { in.Policy = aws.String("{") }), 400, "MalformedPolicyDocument", ""},
		} {
			_, err := asker.AssumeRole(t.Context(), c.in)
			if c.message == "" {
				require.ErrorContains(t, err, c.code, name)
				continue
			}
			requireIdentityRefusal(t, err, c.status, c.code, c.message)
		}
		_, err := asker.AssumeRole(t.Context(), assume(ciRole, lasting(43200)))
		require.NoError(t, err)
		require.Len(t, f.Registry.Calls("AssumeRole").Where(scenarios.Failed()), 7)

		// A session begins others for an hour at most, and the account's root none.
		first, err := asker.AssumeRole(t.Context(), assume(ciRole))
		require.NoError(t, err)
		chained := func(o *sts.Options) {
			c := first.Credentials
			o.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
		}
		_, err = asker.AssumeRole(t.Context(), assume(ciRole, lasting(3601)), chained)
		requireIdentityRefusal(t, err, 400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
		_, err = asker.AssumeRole(t.Context(), assume(ciRole, lasting(3600)), chained)
		require.NoError(t, err)
	}, fakeecr.WithPrincipals(ciRole))
}

// What a caller's policies deny is refused, and of another account's roles what they do
// not allow as well.
func TestWhoMayAssumeARole(t *testing.T) {
	const (
		deny = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:*","Resource":"*"}}`
		pull = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:*","Resource":"*"}}`
	)
	for name, c := range map[string]struct {
		policy, role, reason string
	}{
		"denied":                  {deny, ciRole, " with an explicit deny in an identity-based policy"},
		"not allowed, of its own": {pull, ciRole, ""},
		"not allowed, elsewhere":  {pull, "arn:aws:iam::210987654321:role/deploy", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			server := fakeecr.NewServer(t).As("arn:aws:iam::123456789012:user/someone", c.policy)
			key := credentials.NewStaticCredentialsProvider(envOf(server)["AWS_ACCESS_KEY_ID"], "fakeecr", "")
			_, err := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: key}).AssumeRole(t.Context(), assume(c.role))
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			sentence := "User: arn:aws:iam::123456789012:user/someone is not authorized to perform: sts:AssumeRole on resource: " + c.role
			if c.reason != "none" {
				sentence += c.reason
			}
			requireIdentityRefusal(t, err, 403, "AccessDenied", sentence)
		})
	}
}

// envOf is a server's environment by name.
func envOf(server *fakeecr.Server) map[string]string {
	values := map[string]string{}
	for _, pair := range server.Env() {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return values
}

// Any web identity token is taken, without a signature, and no trace shows it.
func TestAssumeRoleWithWebIdentity(t *testing.T) {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://token.actions.githubusercontent.com","sub":"repo:team/app:ref:refs/heads/main","aud":"sts.amazonaws.com"}`))
	for _, token := range []string{"opaque", "e30." + claims + ".c2ln"} {
		withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
			in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(ciRole), RoleSessionName: aws.String("build"), WebIdentityToken: &token}
			out, err := asker.AssumeRoleWithWebIdentity(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, ciSession, *out.AssumedRoleUser.Arn)
			if token == "opaque" {
				require.Nil(t, out.SubjectFromWebIdentityToken)
			} else {
				require.Equal(t, "repo:team/app:ref:refs/heads/main", *out.SubjectFromWebIdentityToken)
				require.Equal(t, "sts.amazonaws.com", *out.Audience)
				require.Equal(t, "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", *out.Provider)
			}
			_, err = f.DescribeRepositories(t.Context(), nil, holding(out.Credentials))
			require.NoError(t, err)
			trace := f.Registry.Trace()
			require.Empty(t, trace[0].Caller)
			text, err := trace[0].MarshalJSON()
			require.NoError(t, err)
			require.NotContains(t, string(text), token)

			in.RoleArn = aws.String("arn:aws:iam::123456789012:role/none")
			_, err = asker.AssumeRoleWithWebIdentity(t.Context(), in)
			requireIdentityRefusal(t, err, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
			in.WebIdentityToken = aws.String("abc")
			_, err = asker.AssumeRoleWithWebIdentity(t.Context(), in)
			requireIdentityRefusal(t, err, 400, "ValidationError", "1 validation error detected: Value 'abc' at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to 4")
		}, fakeecr.WithSigV4(), fakeecr.WithPrincipals(ciRole))
	}
}

// Rules meet what STS is asked, in a group of its own.
func TestRulesMeetIdentity(t *testing.T) {
	withSTS(t, func(t *testing.T, f faces.Face, asker *sts.Client) {
		playing := f.Registry.Play(scenarios.Scenario{
			scenarios.On(scenarios.Identity).Nth(1).Fail(scenarios.Throttled()),
			scenarios.On(scenarios.AssumeRole).Nth(1).Fail(&types.ServerException{Message: aws.String("boom")}),
			scenarios.On(scenarios.GetCallerIdentity).Nth(1).Drop(),
			scenarios.On(scenarios.GetCallerIdentity).Nth(2).Fail(&scenarios.Response{Status: 503, Body: "<html>"}),
			scenarios.On("*").Fail(errors.New("none of ECR")).Optional(),
		})
		_, err := asker.GetCallerIdentity(t.Context(), nil)
		requireIdentityRefusal(t, err, 400, "Throttling", "Rate exceeded")
		_, err = asker.AssumeRole(t.Context(), assume(ciRole))
		requireIdentityRefusal(t, err, 500, "InternalFailure", "boom")
		_, err = asker.GetCallerIdentity(t.Context(), nil)
		require.Error(t, err)
		require.ErrorIs(t, f.Registry.Trace()[2].Err, scenarios.ErrReplyLost)
		_, err = asker.GetCallerIdentity(t.Context(), nil)
		var response *awshttp.ResponseError
		require.ErrorAs(t, err, &response)
		require.Equal(t, 503, response.HTTPStatusCode())
		playing.Stop()
		require.Equal(t, 4, f.Registry.Count(scenarios.Identity))
		require.Equal(t, 3, f.Registry.Count("GetCallerIdentity"))
		require.Equal(t, 0, f.Registry.Count(scenarios.Any))
		require.Contains(t, f.Registry.Trace().String(), "AssumeRole "+ciRole+" build -> ServerException: boom [")

		f.Registry.Play(scenarios.Scenario{
			scenarios.On(scenarios.AssumeRole).With(scenarios.Change(func(out *scenarios.AssumeRoleOutput) { out.SourceIdentity = aws.String("changed") })),
			scenarios.On(scenarios.GetCallerIdentity).With(scenarios.Around(func(_ context.Context, in *scenarios.GetCallerIdentityInput, next func(context.Context, *scenarios.GetCallerIdentityInput) (*scenarios.GetCallerIdentityOutput, error)) (*scenarios.GetCallerIdentityOutput, error) {
				return &scenarios.GetCallerIdentityOutput{Arn: aws.String("arn:aws:iam::1:user/x")}, nil
			})),
		})
		changed, err := asker.AssumeRole(t.Context(), assume(ciRole))
		require.NoError(t, err)
		require.Equal(t, "changed", *changed.SourceIdentity)
		who, err := asker.GetCallerIdentity(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "arn:aws:iam::1:user/x", *who.Arn)
		require.Nil(t, who.Account)
	})
}

// One seed gives the same keys, and a fork knows the sessions of its original.
func TestSessionsFollowFromTheSeed(t *testing.T) {
	keys := func() (*fakeecr.Registry, *ststypes.Credentials) {
		registry := fakeecr.New(t, fakeecr.WithSeed(7))
		out, err := socketlessSTS(registry).AssumeRole(t.Context(), assume(ciRole))
		require.NoError(t, err)
		return registry, out.Credentials
	}
	registry, one := keys()
	_, two := keys()
	require.Equal(t, *one.AccessKeyId+*one.SecretAccessKey+*one.SessionToken, *two.AccessKeyId+*two.SecretAccessKey+*two.SessionToken)
	fork := registry.Fork(t)
	_, err := fork.DescribeRepositories(t.Context(), nil, holding(one))
	require.NoError(t, err)
	require.Equal(t, ciSession, fork.Trace()[0].Caller)
}

func socketlessSTS(registry *fakeecr.Registry) *sts.Client {
	return sts.New(sts.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: registry.Transport()},
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "fakeecr", ""),
	})
}

// A provider of the SDK's that renews its session does so in time, by the world's clock.
func TestSessionsAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := fakeecr.New(t, fakeecr.WithSigV4())
		provider := aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(socketlessSTS(registry), ciRole, func(o *stscreds.AssumeRoleOptions) {
			o.Duration, o.RoleSessionName = 15*time.Minute, "build"
		}))
		client := registry.Client(func(o *ecr.Options) { o.Credentials = provider })
		for range 3 {
			_, err := client.DescribeRepositories(t.Context(), nil)
			require.NoError(t, err)
			time.Sleep(10 * time.Minute)
		}
		require.Equal(t, 2, registry.Count("AssumeRole"))
	})
}

// What STS says on the wire, to whatever speaks the query protocol.
func TestIdentityOnTheWire(t *testing.T) {
	const (
		ask     = "Action=GetCallerIdentity&Version=2011-06-15"
		request = `<RequestId>[0-9a-f-]{36}</RequestId>`
		space   = ` xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`
	)
	open, closed := fakeecr.NewServer(t), fakeecr.NewServer(t, fakeecr.WithSigV4())
	for name, c := range map[string]struct {
		server             *fakeecr.Server
		method, path, body string
		status             int
		says               string
	}{
		"a form": {open, "POST", "/", ask, 200, `<GetCallerIdentityResponse` + space + `><GetCallerIdentityResult><UserId>AIDA\w{17}</UserId><Account>123456789012</Account>` +
			`<Arn>arn:aws:iam::123456789012:user/fakeecr</Arn></GetCallerIdentityResult><ResponseMetadata>` + request + `</ResponseMetadata></GetCallerIdentityResponse>`},
		"a URL":                  {open, "GET", "/?" + ask, "", 200, `^<GetCallerIdentityResponse`},
		"nothing for a duration": {open, "POST", "/", "Action=AssumeRole&Version=2011-06-15&DurationSeconds=long", 400, `<Code>MalformedInput</Code><Message>DurationSeconds is no integer: long</Message>`},
		"a role with markup": {open, "POST", "/", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=build&RoleArn=%3Crole%3E%20of%20twenty%20bytes", 400,
			`<Message>&lt;role&gt; of twenty bytes is invalid</Message>`},
		"no role": {open, "POST", "/", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=build", 400,
			`<Message>1 validation error detected: Value null at &#39;roleArn&#39; failed to satisfy constraint: Member must not be null</Message>`},
		"no token": {closed, "POST", "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=build&RoleArn=" + ciRole, 400, `Value null at &#39;webIdentityToken&#39;`},
		"no signature": {closed, "POST", "/", ask, 403, `^<ErrorResponse` + space + `><Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>` +
			`<Message>Missing Authentication Token</Message></Error>` + request + `</ErrorResponse>$`},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(c.method, c.server.URL+c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, c.status, response.StatusCode, string(text))
			require.Regexp(t, c.says, string(text))
			require.Equal(t, "text/xml", response.Header.Get("Content-Type"))
			require.NoError(t, xml.Unmarshal(text, &struct{ XMLName xml.Name }{}))
			require.NoError(t, uuid.Validate(response.Header.Get("x-amzn-RequestId")))
		})
	}
}

// Login tools ask ECR Public for a token besides, which opens no registry here.
func TestPublicLogin(t *testing.T) {
	server := fakeecr.NewServer(t)
	ask := func() (status int, answer struct {
		Type, Message     string
		AuthorizationData struct {
			AuthorizationToken string
			ExpiresAt          float64
		}
	}) {
		status, _, body := send(t, server.URL, "SpencerFrontendService.GetAuthorizationToken", "{}")
		require.NoError(t, json.Unmarshal([]byte(strings.Replace(body, "__type", "type", 1)), &answer))
		return status, answer
	}
	status, answer := ask()
	require.Equal(t, 200, status)
	require.InDelta(t, server.Now().Add(12*time.Hour).Unix(), answer.AuthorizationData.ExpiresAt, 5)
	pair, err := base64.StdEncoding.DecodeString(answer.AuthorizationData.AuthorizationToken)
	require.NoError(t, err)
	password, is := strings.CutPrefix(string(pair), "AWS:")
	require.True(t, is)
	request, err := http.NewRequest(http.MethodGet, server.URL+"/v2/", nil)
	require.NoError(t, err)
	request.SetBasicAuth("AWS", password)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.Equal(t, 1, server.Count(scenarios.GetPublicAuthorizationToken))
	require.Zero(t, server.Count("GetAuthorizationToken"))

	server.Play(scenarios.Scenario{scenarios.On(scenarios.Identity).Fail(scenarios.Throttled())})
	status, answer = ask()
	require.Equal(t, 400, status)
	require.Equal(t, "ThrottlingException", answer.Type)
}

// ECR Public needs a permission of its own, and one of STS.
func TestPublicLoginIsAuthorized(t *testing.T) {
	allow := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`
	}
	const someone = "arn:aws:iam::123456789012:user/someone"
	for actions, missing := range map[string]string{
		`["ecr:*"]`:                   "ecr-public:GetAuthorizationToken",
		`["ecr:*","ecr-public:*"]`:    "sts:GetServiceBearerToken",
		`["ecr-public:Get*","sts:*"]`: "",
	} {
		server := fakeecr.NewServer(t).As(someone, allow(actions))
		request, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader("{}"))
		require.NoError(t, err)
		request.Header.Set("X-Amz-Target", "SpencerFrontendService.GetAuthorizationToken")
		key := envOf(server)["AWS_ACCESS_KEY_ID"]
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260101/us-east-1/ecr-public/aws4_request, SignedHeaders=host, Signature=00")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		if missing == "" {
			require.Equal(t, 200, response.StatusCode, string(body))
			continue
		}
		require.Equal(t, 400, response.StatusCode)
		require.Contains(t, string(body), "User: "+someone+" is not authorized to perform: "+missing+" on resource: * because no identity-based policy allows the "+missing+" action")
	}
}
