package transcript_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/transcript"
	"github.com/fakeecr/ecr/scenarios"
)

// statements are the transcripts of a text.
func statements(t *testing.T, text string) []*transcript.Transcript {
	t.Helper()
	file, err := transcript.Parse("statements.txt", text)
	require.NoError(t, err)
	return file.Transcripts
}

// deviant is a text whose statements hold, until something is changed.
const deviant = `# A repository is made.
# model: CreateRepository
> CreateRepository {"repositoryName": "$repo"}
< {"repository": {"repositoryName": "$repo", "imageTagMutability": "MUTABLE", ...}}

# A tag moves.
# documented: user guide
> CreateRepository {"repositoryName": "$repo"}
> push $repo:v1 image1
> push $repo:v1 image2
> BatchGetImage {"repositoryName": "$repo", "imageIds": [{"imageTag": "v1"}]}
< {"images": [{"imageId": {"imageDigest": "$image2", "imageTag": "v1"}, ...}], "failures": []}

# What is not there is a failure.
# recorded: pastes
> CreateRepository {"repositoryName": "$repo"}
> BatchGetImage {"repositoryName": "$repo", "imageIds": [{"imageTag": "v1"}]}
< {"images": [], "failures": [{"imageId": {"imageTag": "v1"}, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}]}

# The registry endpoint has what the API was given.
# recorded: pastes
> CreateRepository {"repositoryName": "$repo"}
> push $repo:v1 image1
> HEAD /v2/$repo/manifests/v1
< Docker-Content-Digest: $image1

# A policy is given back.
# chosen: nothing is known
> CreateRepository {"repositoryName": "$repo"}
> PutLifecyclePolicy {"repositoryName": "$repo", "lifecyclePolicyText": {{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]}}}
> GetLifecyclePolicy {"repositoryName": "$repo"}
<? {"registryId": "$account", "repositoryName": "$repo", "lastEvaluatedAt": 0, "lifecyclePolicyText": {{"rules": [{"rulePriority": 1, ...}]}}}
`

// Whatever is made to deviate is found, and nothing else.
func TestDeviationsAreToldApart(t *testing.T) {
	for name, deviation := range map[string]struct {
		rule *scenarios.Rule
		// differs is what is found, by the claim.
		differs map[string][]string
	}{
		"nothing": {scenarios.On("ListImages").Fail(errors.New("never called")).Optional(), nil},
		"a member that is another": {
			scenarios.On("CreateRepository").With(scenarios.Change(func(out *ecr.CreateRepositoryOutput) {
				out.Repository.ImageTagMutability = types.ImageTagMutabilityImmutable
			})),
			map[string][]string{"A repository is made.": {`repository.imageTagMutability: want "MUTABLE", got "IMMUTABLE"`}},
		},
		"a list that is absent": {
			scenarios.On("BatchGetImage").With(scenarios.Change(func(out *ecr.BatchGetImageOutput) {
				if len(out.Failures) == 0 {
					out.Failures = nil
				}
			})),
			map[string][]string{"A tag moves.": {`failures: want [], got nothing`}},
		},
		"a reason in other words": {
			scenarios.On("BatchGetImage").With(scenarios.Change(func(out *ecr.BatchGetImageOutput) {
				for i := range out.Failures {
					out.Failures[i].FailureReason = aws.String("Requested image not found.")
				}
			})),
			map[string][]string{"What is not there is a failure.": {`failures[0].failureReason: want "Requested image not found", got "Requested image not found."`}},
		},
		"an operation that is not called": {
			scenarios.On("GetLifecyclePolicy").With(scenarios.Around(func(ctx context.Context, in *ecr.GetLifecyclePolicyInput, next func(context.Context, *ecr.GetLifecyclePolicyInput) (*ecr.GetLifecyclePolicyOutput, error)) (*ecr.GetLifecyclePolicyOutput, error) {
				return &ecr.GetLifecyclePolicyOutput{RegistryId: aws.String("123456789012"), RepositoryName: in.RepositoryName, LifecyclePolicyText: aws.String("{}")}, nil
			})),
			map[string][]string{"A policy is given back.": {`lastEvaluatedAt: want 0, got nothing`, `lifecyclePolicyText{}.rules: want [{"rulePriority": 1, ...}], got nothing`}},
		},
		"a refusal": {
			scenarios.On("BatchGetImage", scenarios.Tag("v1")).Fail(&types.ServerException{Message: aws.String("no")}),
			map[string][]string{
				"A tag moves.":                                      {`status: want success, got 500 ServerException "no"`},
				"What is not there is a failure.":                   {`status: want success, got 500 ServerException "no"`},
				"The registry endpoint has what the API was given.": {`status: want success, got 500`, `header Docker-Content-Digest: want ` + digestOf(t, "image1") + `, got nothing`},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for face, player := range transcriptFaces {
				t.Run(face, func(t *testing.T) {
					p := player(t, fakeecr.WithScenario(scenarios.Scenario{deviation.rule}))
					found := map[string][]string{}
					for _, statement := range statements(t, deviant) {
						result := p.Play(t.Context(), statement)
						for _, d := range result.Differences {
							found[statement.Claim] = append(found[statement.Claim], d.String())
							require.Equal(t, statement.Status == transcript.Chosen, d.Chosen)
						}
						require.Equal(t, result.Outcome == transcript.Differs, len(result.Differences) > 0, result.Why)
						require.Empty(t, result.Left)
					}
					if deviation.differs == nil {
						deviation.differs = map[string][]string{}
					}
					require.Equal(t, deviation.differs, found)
				})
			}
		})
	}
}

// digestOf is the digest of made content, as the registry answers it.
func digestOf(t *testing.T, name string) string {
	t.Helper()
	p := transcriptFaces["client"](t)
	var digest string
	p.Told = func(call string, reply *transcript.Reply, err error) {
		var answer struct {
			Image struct {
				ImageID struct {
					ImageDigest string `json:"imageDigest"`
				} `json:"imageId"`
			} `json:"image"`
		}
		if strings.HasPrefix(call, "PutImage") && json.Unmarshal(reply.Body, &answer) == nil {
			digest = answer.Image.ImageID.ImageDigest
		}
	}
	result := p.Play(t.Context(), statements(t, "# A.\n# model: x\n> CreateRepository {\"repositoryName\": \"$repo\"}\n> push $repo "+name+"\n< 200\n")[0])
	require.Equal(t, transcript.Held, result.Outcome, result.Why)
	return digest
}

// Every operation of ECR may be called, and each is known to read or to write.
func TestOperationsAreKnown(t *testing.T) {
	client := reflect.TypeFor[*ecr.Client]()
	known := 0
	for i := range client.NumMethod() {
		method := client.Method(i)
		if method.Type.NumIn() != 4 || !method.Type.IsVariadic() {
			continue
		}
		known++
		_, err := transcript.Parse("a.txt", "# A.\n# model: x\n> "+method.Name+"\n< {...}\n")
		require.NoError(t, err, "add %s to operations", method.Name)
	}
	require.Equal(t, known, transcript.Operations())
}

// What did not go as it had to is broken, and names the step.
func TestBroken(t *testing.T) {
	const text = "# A.\n# model: x\n> CreateRepository {\"repositoryName\": \"$repo\"}\n> push $repo:v1 image1\n> ListImages {\"repositoryName\": \"$repo\"}\n< {...}\n"
	p := transcriptFaces["loopback"](t, fakeecr.WithScenario(scenarios.Scenario{
		scenarios.On("CompleteLayerUpload").Nth(1).Fail(&types.ServerException{Message: aws.String("no")}),
		scenarios.On("PutImage").Nth(1).Drop(),
	}))
	result := p.Play(t.Context(), statements(t, text)[0])
	require.Equal(t, transcript.Broken, result.Outcome)
	require.Equal(t, `statements.txt:4: it was to succeed: 500 ServerException "no"`, result.Why)
	result = p.Play(t.Context(), statements(t, text)[0])
	require.Equal(t, transcript.Broken, result.Outcome)
	require.Regexp(t, `^statements.txt:4: PutImage was not answered: `, result.Why)
	require.Empty(t, result.Left)
	require.Equal(t, transcript.Held, p.Play(t.Context(), statements(t, text)[0]).Outcome)
}

// Of a service that others use, too, what only asks is asked again when it was not
// answered, and everything is when it was throttled.
func TestPatience(t *testing.T) {
	const text = "# A.\n# model: x\n> CreateRepository {\"repositoryName\": \"$repo\"}\n> ListImages {\"repositoryName\": \"$repo\"}\n< {\"imageIds\": []}\n"
	s := somebodys(t, fakeecr.WithScenario(scenarios.Scenario{
		scenarios.On("CreateRepository", scenarios.Repository("fakeecr-verify/**")).First(2).Fail(scenarios.Throttled()),
		scenarios.On("ListImages").First(2).Drop(),
	}))
	p := fenced(s, sockets(t, nil))
	var waited []time.Duration
	p.Pause = func(ctx context.Context, d time.Duration) error {
		waited = append(waited, d)
		return ctx.Err()
	}
	result := p.Play(t.Context(), statements(t, text)[0])
	require.Equal(t, transcript.Held, result.Outcome, result.Why)
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second, time.Second, 2 * time.Second}, waited)
}

// somebody's is a registry that holds somebody's things.
func somebodys(t *testing.T, options ...fakeecr.Option) *fakeecr.Server {
	s := fakeecr.NewServer(t, options...)
	ctx := t.Context()
	s.MustPush("prod/app:v1", fakeecr.RandomImage(1, 1000))
	s.MustPush("fakeecr-verifying/app:v1", fakeecr.RandomImage(1, 1000))
	_, err := s.PutRegistryPolicy(ctx, &ecr.PutRegistryPolicyInput{PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":["ecr:ReplicateImage"],"Resource":["arn:aws:ecr:us-east-1:123456789012:repository/*"]}]}`)})
	require.NoError(t, err)
	_, err = s.PutReplicationConfiguration(ctx, &ecr.PutReplicationConfigurationInput{ReplicationConfiguration: &types.ReplicationConfiguration{Rules: []types.ReplicationRule{{Destinations: []types.ReplicationDestination{{Region: aws.String("us-west-2"), RegistryId: aws.String("123456789012")}}}}}})
	require.NoError(t, err)
	_, err = s.PutAccountSetting(ctx, &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("ENABLED")})
	require.NoError(t, err)
	_, err = s.RegisterPullTimeUpdateExclusion(ctx, &ecr.RegisterPullTimeUpdateExclusionInput{PrincipalArn: aws.String("arn:aws:iam::123456789012:role/scanner")})
	require.NoError(t, err)
	_, err = s.CreatePullThroughCacheRule(ctx, &ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("mirror"), UpstreamRegistryUrl: aws.String("public.ecr.aws")})
	require.NoError(t, err)
	_, err = s.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("prod/app"), PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`)})
	require.NoError(t, err)
	return s
}

// lies is all that a registry shows, as one text.
func lies(t *testing.T, r *fakeecr.Registry) string {
	var all strings.Builder
	look := r.Inspect()[0].Client()
	ctx := context.Background()
	show := func(out any, err error) {
		if err != nil {
			var refused smithy.APIError
			require.ErrorAs(t, err, &refused)
			all.WriteString(refused.ErrorCode() + "\n")
			return
		}
		v := reflect.ValueOf(out).Elem()
		v.FieldByName("ResultMetadata").SetZero()
		text, err := json.MarshalIndent(out, "", " ")
		require.NoError(t, err)
		all.Write(append(text, '\n'))
	}
	show(look.DescribeRepositories(ctx, nil))
	show(look.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String("prod/app")}))
	show(look.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: aws.String("prod/app")}))
	show(look.GetRegistryPolicy(ctx, nil))
	show(look.DescribeRegistry(ctx, nil))
	show(look.GetRegistryScanningConfiguration(ctx, nil))
	show(look.GetSigningConfiguration(ctx, nil))
	for _, name := range []string{"BASIC_SCAN_TYPE_VERSION", "REGISTRY_POLICY_SCOPE", "BLOB_MOUNTING"} {
		show(look.GetAccountSetting(ctx, &ecr.GetAccountSettingInput{Name: aws.String(name)}))
	}
	show(look.ListPullTimeUpdateExclusions(ctx, nil))
	show(look.DescribePullThroughCacheRules(ctx, nil))
	show(look.DescribeRepositoryCreationTemplates(ctx, nil))
	return all.String()
}

// meddling is transcripts that put all that a registry has, and leave it there.
const meddling = `# All settings are put.
# model: x
> PutRegistryPolicy {"policyText": {{"Version": "2012-10-17", "Statement": [{"Sid": "b", "Effect": "Deny", "Principal": "*", "Action": ["ecr:CreateRepository"], "Resource": "arn:aws:ecr:$region:$account:repository/$base/denied"}]}}}
> PutReplicationConfiguration {"replicationConfiguration": {"rules": []}}
> PutRegistryScanningConfiguration {"scanType": "BASIC", "rules": [{"scanFrequency": "MANUAL", "repositoryFilters": [{"filter": "$base/*", "filterType": "WILDCARD"}]}]}
> PutSigningConfiguration {"signingConfiguration": {"rules": [{"signingProfileArn": "arn:aws:signer:$region:$account:/signing-profiles/fakeecr", "repositoryFilters": [{"filter": "$base/*", "filterType": "WILDCARD_MATCH"}]}]}}
> PutAccountSetting {"name": "BLOB_MOUNTING", "value": "DISABLED"}
> RegisterPullTimeUpdateExclusion {"principalArn": "arn:aws:iam::$account:role/fakeecr-verify"}
> DeregisterPullTimeUpdateExclusion {"principalArn": "arn:aws:iam::123456789012:role/scanner"}
> CreateRepositoryCreationTemplate {"prefix": "ROOT", "appliedFor": ["REPLICATION"]}
> DescribeRegistry
< {...}

# A repository, a rule and a template are made.
# model: x
> CreateRepository {"repositoryName": "$repo"}
> push $repo:v1 index1
> CreatePullThroughCacheRule {"ecrRepositoryPrefix": "$base", "upstreamRegistryUrl": "public.ecr.aws"}
> CreateRepositoryCreationTemplate {"prefix": "$base", "appliedFor": ["PULL_THROUGH_CACHE"]}
> SetRepositoryPolicy {"repositoryName": "$repo", "force": true, "policyText": {{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": ["ecr:DeleteRepository"]}]}}}
> In $region2 CreateRepository {"repositoryName": "$repo"}
> ListImages {"repositoryName": "$repo"}
< {...}

# It is gone before it is looked for.
# model: x
> DeleteRegistryPolicy
> DeleteRegistryPolicy
< 400 RegistryPolicyNotFoundException
`

// fenced is a player that may put settings and no more.
func fenced(s *fakeecr.Server, transport http.RoundTripper) *transcript.Player {
	p := playerOf(s.Registry, transport, s.URL)
	p.Fenced, p.Settings = true, true
	p.Advance = nil
	p.Pause = func(ctx context.Context, d time.Duration) error { return ctx.Err() }
	return p
}

// What lies in a registry lies there afterwards, byte for byte: also where answers are
// lost, and where the player is told to stop, at every call in turn.
func TestWhatLiesThereStays(t *testing.T) {
	t.Run("undisturbed", func(t *testing.T) {
		s := somebodys(t)
		was := lies(t, s.Registry)
		p := fenced(s, sockets(t, nil))
		for _, statement := range statements(t, meddling) {
			result := p.Play(t.Context(), statement)
			require.Equal(t, transcript.Held, result.Outcome, "%s %v", result.Why, result.Differences)
			require.Empty(t, result.Left)
			require.Equal(t, was, lies(t, s.Registry), statement.Claim)
		}
	})
	for n := 1; n <= 60; n += 3 {
		s := somebodys(t)
		was := lies(t, s.Registry)
		s.Play(scenarios.Scenario{scenarios.On(scenarios.Any).Nth(n).Drop().Optional()})
		p := fenced(s, sockets(t, nil))
		for _, statement := range statements(t, meddling) {
			result := p.Play(t.Context(), statement)
			require.Empty(t, result.Left, "the answer to call %d lost", n)
		}
		require.Equal(t, was, lies(t, s.Registry), "the answer to call %d lost", n)
		s.Close()
	}
	for n := 1; n <= 60; n += 3 {
		s := somebodys(t)
		was := lies(t, s.Registry)
		p := fenced(s, sockets(t, nil))
		ctx, stop := context.WithCancel(t.Context())
		calls := 0
		p.Told = func(string, *transcript.Reply, error) {
			if calls++; calls == n {
				stop()
			}
		}
		for _, statement := range statements(t, meddling) {
			if ctx.Err() != nil {
				break
			}
			require.Empty(t, p.Play(ctx, statement).Left)
		}
		stop()
		require.Equal(t, was, lies(t, s.Registry), "stopped at call %d", n)
		s.Close()
	}
}

// What could not be taken away or put back is said, and settings stay kept.
func TestWhatIsLeftIsSaid(t *testing.T) {
	const text = `# A.
# model: x
> CreateRepository {"repositoryName": "$repo"}
> PutAccountSetting {"name": "BLOB_MOUNTING", "value": "DISABLED"}
> DescribeRegistry
< {...}
`
	s := somebodys(t)
	s.Play(scenarios.Scenario{
		scenarios.On("PutAccountSetting").After(1).Fail(&types.ServerException{Message: aws.String("no")}),
		scenarios.On("DeleteRepository").Fail(&types.KmsException{Message: aws.String("no key")}),
	})
	p := fenced(s, sockets(t, nil))
	var kept []*transcript.Settled
	p.Keep = func(settled *transcript.Settled) error {
		kept = append(kept, settled)
		return nil
	}
	result := p.Play(t.Context(), statements(t, text)[0])
	require.Equal(t, []string{
		`the account setting BLOB_MOUNTING in us-east-1, which was {"name":"BLOB_MOUNTING","value":"ENABLED"}: PutAccountSetting: 500 ServerException "no"` + "\n" +
			`it is {"name":"BLOB_MOUNTING","value":"DISABLED"}`,
		`fakeecr-verify/fake/1/app in us-east-1: 400 KmsException "no key"`,
	}, result.Left)
	require.Len(t, kept, 1, "they are not back")
}

// What would write elsewhere is not sent.
func TestFence(t *testing.T) {
	s := somebodys(t)
	was := lies(t, s.Registry)
	for step, why := range map[string]string{
		`DeleteRepository {"repositoryName": "prod/app", "force": true}`:             `DeleteRepository would write to "prod/app", which is not below fakeecr-verify/fake/`,
		`DeleteRepository {"RepositoryName": "prod/app", "force": true}`:             `is not below`,
		`DeleteRepository {"repositoryName": "fakeecr-verify/other", "force": true}`: `is not below`,
		`DeleteRepository {"repositoryName": "$base/../../prod/app"}`:                `is not below`,
		`DeleteRepository {"repositoryName": ["prod/app"]}`:                          `is not below`,
		`CreateRepository {"repositoryName": "$repo", "registryId": "210987654321"}`: `would write to another registry`,
		`PutImage {"repositoryName": "prod/app", "imageManifest": "$image1"}`:        `is not below`,
		`push prod/app:v1 image1`: `is not below`,
		`TagResource {"resourceArn": "arn:aws:ecr:us-east-1:123456789012:repository/prod/app", "tags": []}`:                                                                                                                           `is not below`,
		`TagResource {"resourceArn": "arn:aws:ecr:eu-west-1:123456789012:repository/$repo", "tags": []}`:                                                                                                                              `is not below`,
		`TagResource {"resourceArn": "arn:aws:ecr:us-east-1:210987654321:repository/$repo", "tags": []}`:                                                                                                                              `is not below`,
		`DeletePullThroughCacheRule {"ecrRepositoryPrefix": "mirror"}`:                                                                                                                                                                `is not below`,
		`UpdateRepositoryCreationTemplate {"prefix": "prod"}`:                                                                                                                                                                         `is not below`,
		`PutReplicationConfiguration {"replicationConfiguration": {"rules": [{"destinations": []}]}}`:                                                                                                                                 `PutReplicationConfiguration would replicate what is not below`,
		`PutReplicationConfiguration {"replicationConfiguration": {"rules": [{"repositoryFilters": [{"filter": "$base", "filterType": "PREFIX_MATCH"}, {"filter": "prod", "filterType": "PREFIX_MATCH"}]}]}}`:                         `would replicate what is not below`,
		`PutSigningConfiguration {"signingConfiguration": {"rules": [{"signingProfileArn": "x"}]}}`:                                                                                                                                   `would sign what is not below`,
		`PutRegistryScanningConfiguration {"scanType": "ENHANCED"}`:                                                                                                                                                                   `would scan what is not below`,
		`PutRegistryScanningConfiguration {"scanType": "ENHANCED", "rules": [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]}`:                                                `would scan what is not below`,
		`PutRegistryPolicy {"policyText": {{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"}}}}`:                                                                                                 `would decide on what is not below`,
		`PutRegistryPolicy {"policyText": {{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": ["arn:aws:ecr:$region:$account:repository/$base/*", "arn:aws:ecr:$region:$account:repository/*"]}]}}}`: `would decide on what is not below`,
		`PutRegistryPolicy {"policyText": {{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}]}}}`:                                                                                                               `would decide on what is not below`,
		`StartReplicationBackfill {"destination": {"region": "us-west-2", "registryId": "123456789012"}}`:                                                                                                                             `would replicate what there is`,
		`PUT /v2/prod/app/manifests/v2 image1`:                      `would write outside`,
		`DELETE /v2/$repo/../../prod/app/manifests/v1`:              `would write outside`,
		`DELETE /v2/$repo/%2e%2e/manifests/v1`:                      `would write outside`,
		`POST /v2/`:                                                 `would write outside`,
		`PUT http://127.0.0.1:1/v2/$repo/manifests/v1 image1`:       `would write outside`,
		`In us-west-2 CreateRepository {"repositoryName": "$repo"}`: `it needs the region us-west-2`,
		`wait 1h`: `it needs a clock that can be moved`,
	} {
		text := "# A.\n# model: x\n> " + step + "\n> DescribeRegistry\n< {...}\n"
		p := fenced(s, sockets(t, nil))
		result := p.Play(t.Context(), statements(t, text)[0])
		require.Equal(t, transcript.Skipped, result.Outcome, step)
		require.Contains(t, result.Why, why, step)
	}
	p := fenced(s, sockets(t, nil))
	p.Settings = false
	for _, step := range []string{`DeleteRegistryPolicy`, `PutAccountSetting {"name": "NONE", "value": "x"}`, `CreatePullThroughCacheRule {"ecrRepositoryPrefix": "ROOT"}`} {
		result := p.Play(t.Context(), statements(t, "# A.\n# model: x\n> "+step+"\n< 400\n")[0])
		require.Equal(t, transcript.Skipped, result.Outcome)
		require.Equal(t, "it puts a setting of the registry", result.Why)
		require.Zero(t, result.Calls)
	}
	require.Equal(t, was, lies(t, s.Registry))
}

// What an earlier run left is swept, and nothing else.
func TestSweep(t *testing.T) {
	s := somebodys(t)
	was := lies(t, s.Registry)
	ctx := t.Context()
	s.MustPush("fakeecr-verify/killed/1/app:v1", fakeecr.RandomImage(1, 1000))
	_, err := s.CreatePullThroughCacheRule(ctx, &ecr.CreatePullThroughCacheRuleInput{EcrRepositoryPrefix: aws.String("fakeecr-verify/killed/2"), UpstreamRegistryUrl: aws.String("public.ecr.aws")})
	require.NoError(t, err)
	gone, left, err := fenced(s, sockets(t, nil)).Sweep(ctx, s.Region(), transcript.Top)
	require.NoError(t, err)
	require.Empty(t, left)
	require.Equal(t, []string{"fakeecr-verify/killed/2", "fakeecr-verify/killed/1/app"}, gone)
	require.Equal(t, was, lies(t, s.Registry))
}

// Settings are kept before they are touched, so that another run can put them back.
func TestKeptSettingsAreRestored(t *testing.T) {
	s := somebodys(t)
	was := lies(t, s.Registry)
	p := fenced(s, sockets(t, nil))
	var kept []byte
	p.Keep = func(settled *transcript.Settled) error {
		if settled == nil {
			return nil
		}
		var err error
		kept, err = json.Marshal(settled)
		return err
	}
	require.Equal(t, transcript.Held, p.Play(t.Context(), statements(t, meddling)[0]).Outcome)
	_, err := s.DeleteRegistryPolicy(t.Context(), nil)
	require.NoError(t, err)
	_, err = s.PutAccountSetting(t.Context(), &ecr.PutAccountSettingInput{Name: aws.String("BLOB_MOUNTING"), Value: aws.String("DISABLED")})
	require.NoError(t, err)
	require.NotEqual(t, was, lies(t, s.Registry))
	var settled transcript.Settled
	require.NoError(t, json.Unmarshal(kept, &settled))
	require.Empty(t, fenced(s, sockets(t, nil)).Restore(t.Context(), &settled))
	require.Equal(t, was, lies(t, s.Registry))
}

// A player outlives its tokens where a transcript lets time pass.
func TestTokensAreAskedForAgain(t *testing.T) {
	r := fakeecr.New(nil)
	p := playerOf(r, r.Transport(), "")
	for _, statement := range statements(t, `# The registry endpoint is there.
# documented: user guide
> GET /v2/
< 200
> wait 13h

# It is there on another day.
# documented: user guide
> GET /v2/
< 200
`) {
		result := p.Play(t.Context(), statement)
		require.Equal(t, transcript.Held, result.Outcome, result.Why)
	}
}
