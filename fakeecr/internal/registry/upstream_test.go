package registry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
	"github.com/fakeecr/ecr/scenarios"
)

func TestUpstreamFails(t *testing.T) {
	layer := faces.DigestOf([]byte("layer"))
	for name, test := range map[string]struct {
		err    error
		code   types.ImageFailureCode
		reason string
	}{
		"denied":      {fakeecr.ErrUpstreamAccessDenied, types.ImageFailureCodeUpstreamAccessDenied, "the upstream registry denied access"},
		"throttled":   {fakeecr.ErrUpstreamTooManyRequests, types.ImageFailureCodeUpstreamTooManyRequests, "the upstream registry received too many requests"},
		"unavailable": {fakeecr.ErrUpstreamUnavailable, types.ImageFailureCodeUpstreamUnavailable, "the upstream registry is unavailable"},
		"other":       {errors.New("no route to host"), types.ImageFailureCodeUpstreamUnavailable, "no route to host"},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, upstream *faces.Switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)

				upstream.Upstream = faces.Failing{Err: test.err}
				reason := "Unable to pull from the upstream registry registry-1.docker.io: " + test.reason
				faces.RequireFailure(t, f, "hub/nginx", faces.Tagged("2"), test.code, reason)
				faces.RequireFailure(t, f, "hub/other", faces.Digested(image.Digest()), test.code, reason)
				_, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: &layer})
				faces.RequireError[*types.UnableToGetUpstreamLayerException](t, err, reason)

				f.Registry.Advance(24 * time.Hour)
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
				require.Equal(t, image.Blobs[0], f.Download(t, "hub/nginx", faces.DigestOf(image.Blobs[0])))
				require.Equal(t, []string{"hub/nginx"}, faces.Repositories(t, f))

				// A failed check is not a check.
				after := fakeecr.RandomImage(2, 100)
				hub.MustPush("nginx:1", after)
				upstream.Upstream = hub.Upstream()
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), after)
			})
		})
	}
}

func TestUpstreamFunc(t *testing.T) {
	index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8")
	content := map[string][]byte{"1": index.Manifest}
	for _, image := range index.Images {
		content[image.Digest()] = image.Manifest
		for _, blob := range image.Blobs {
			content[faces.DigestOf(blob)] = blob
		}
	}
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.CreateRule(t, f, faces.Cached("quay", "quay.io"))
		faces.RequirePulled(t, f, "quay/coreos/etcd", faces.Tagged("1"), index)
		blob := index.Images[1].Blobs[0]
		require.Equal(t, blob, f.Download(t, "quay/coreos/etcd", faces.DigestOf(blob)))
		faces.RequireFailure(t, f, "quay/coreos/etcd", faces.Tagged("2"), types.ImageFailureCodeUpstreamTooManyRequests,
			"Unable to pull from the upstream registry quay.io: the upstream registry received too many requests")
		_, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("quay/coreos/etcd"), LayerDigest: aws.String(faces.DigestNotThere)})
		faces.RequireError[*types.UnableToGetUpstreamLayerException](t, err, "Unable to pull from the upstream registry quay.io: the upstream registry received too many requests")
	}, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamFunc(func(_ context.Context, repository, reference string) (string, []byte, error) {
		if found := content[reference]; repository == "coreos/etcd" && found != nil {
			return "", found, nil
		}
		return "", nil, fakeecr.ErrUpstreamTooManyRequests
	})))
}

func TestPullWithoutAnUpstream(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		faces.CreateRule(t, f, faces.Cached("k8s", "registry.k8s.io"))
		faces.RequireFailure(t, f, "k8s/pause", faces.Tagged("3.9"), types.ImageFailureCodeUpstreamUnavailable,
			"Unable to pull from the upstream registry registry.k8s.io: the upstream registry is unavailable: the fake was given no upstream for it")
	})
}

const authenticationFailed = "The authentication to the upstream registry failed. Verify that the credentials provided in the pull through cache rule are correct, and try again."

// A secret that cannot be read fails the whole call, unless the cache can serve
// all of it.
func TestPullWithABadSecret(t *testing.T) {
	for _, state := range []fakeecr.SecretState{fakeecr.SecretNotFound, fakeecr.SecretAccessDenied, fakeecr.SecretUndecryptable} {
		t.Run(string(state), func(t *testing.T) {
			faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
				f.Registry.SetSecret(faces.HubSecret, state)
				f.Registry.Advance(24 * time.Hour)
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)

				_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Tagged("1", "2")})
				faces.RequireError[*types.UnableToGetUpstreamImageException](t, err, authenticationFailed)
				_, err = f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: aws.String(faces.DigestOf([]byte("x")))})
				faces.RequireError[*types.UnableToGetUpstreamLayerException](t, err, authenticationFailed)
			})
		})
	}
}

// changed is an upstream that answers something else than what it has.
type changed struct {
	fakeecr.Upstream
	manifest func(reference string, manifest []byte) []byte
	blob     func(blob []byte) []byte
	lacks    string
}

func (c changed) Manifest(ctx context.Context, repository, reference string) (string, []byte, error) {
	if reference == c.lacks {
		return "", nil, fakeecr.ErrUpstreamNotFound
	}
	mediaType, manifest, err := c.Upstream.Manifest(ctx, repository, reference)
	if err == nil && c.manifest != nil {
		manifest = c.manifest(reference, manifest)
	}
	return mediaType, manifest, err
}

func (c changed) Blob(ctx context.Context, repository, digest string) (io.ReadCloser, error) {
	if digest == c.lacks {
		return nil, fakeecr.ErrUpstreamNotFound
	}
	content, err := c.Upstream.Blob(ctx, repository, digest)
	if err != nil || c.blob == nil {
		return content, err
	}
	blob, err := io.ReadAll(content)
	return io.NopCloser(bytes.NewReader(c.blob(blob))), err
}

func TestUpstreamIsNotBelieved(t *testing.T) {
	index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8")
	child := index.Images[1]
	cut := func(content []byte) []byte { return content[:len(content)-1] }
	for name, test := range map[string]struct {
		upstream changed
		ids      []types.ImageIdentifier
		reason   string
	}{
		"another manifest": {
			changed{manifest: func(string, []byte) []byte { return child.Manifest }}, faces.Digested(index.Digest()),
			"manifest " + index.Digest() + " has the digest " + child.Digest(),
		},
		"no manifest":             {changed{manifest: func(string, []byte) []byte { return nil }}, faces.Tagged("1"), "manifest 1: Invalid JSON syntax"},
		"a layer that was cut":    {changed{blob: cut}, faces.Tagged("1"), "layer " + faces.DigestOf(index.Images[0].Blobs[1]) + " has the digest " + faces.DigestOf(cut(index.Images[0].Blobs[1]))},
		"a child that is missing": {changed{lacks: child.Digest()}, faces.Tagged("1"), child.Digest() + " is missing"},
		"a layer that is missing": {changed{lacks: faces.DigestOf(child.Blobs[0])}, faces.Tagged("1"), faces.DigestOf(child.Blobs[0]) + " is missing"},
		"another child": {
			changed{manifest: func(reference string, manifest []byte) []byte {
				if reference == child.Digest() {
					return index.Manifest
				}
				return manifest
			}}, faces.Tagged("1"), "manifest " + child.Digest() + " has the digest " + index.Digest(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, upstream *faces.Switched) {
				hub.MustPush("nginx:1", index)
				bad := test.upstream
				bad.Upstream = hub.Upstream()
				upstream.Upstream = bad
				faces.RequireFailure(t, f, "hub/nginx", test.ids, types.ImageFailureCodeUpstreamUnavailable,
					"Unable to pull from the upstream registry registry-1.docker.io: the upstream registry is unavailable: "+test.reason)
				require.Empty(t, faces.Repositories(t, f), "nothing of it was kept")

				upstream.Upstream = hub.Upstream()
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), index)
			})
		})
	}
}

// An image that cannot come leaves nothing behind, also beside one that can.
func TestPullOfHalfAnImage(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, upstream *faces.Switched) {
		index, image := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8"), fakeecr.RandomImage(5, 100)
		hub.MustPush("nginx:1", index)
		hub.MustPush("nginx:2", image)
		upstream.Upstream = changed{Upstream: hub.Upstream(), lacks: index.Images[1].Digest()}
		out := faces.Get(t, f, "hub/nginx", faces.Tagged("1", "2"))
		require.Len(t, out.Images, 1)
		require.Len(t, out.Failures, 1)
		require.Equal(t, types.ImageFailureCodeUpstreamUnavailable, out.Failures[0].FailureCode)
		images := faces.ImageDetails(t, f, "hub/nginx")
		require.Len(t, images, 1)
		require.Contains(t, images, image.Digest())
	})
}

// allowCache lets a rule's role pull.
const allowCache = `{"Effect":"Allow","Principal":{"AWS":"` + cacheRole + `"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}`

// A rule for an ECR pulls from the neighbour of that account and region.
func TestPullFromANeighbour(t *testing.T) {
	for name, test := range map[string]struct {
		url, role string
		neighbour func(f faces.Face) faces.Face
	}{
		"another region":  {"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "", func(f faces.Face) faces.Face { return f.In("eu-west-1") }},
		"another account": {"210987654321.dkr.ecr.us-east-1.amazonaws.com", cacheRole, func(f faces.Face) faces.Face { return f.Account("210987654321") }},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				neighbour := test.neighbour(f)
				index := fakeecr.RandomIndex(1, "linux/amd64")
				neighbour.Registry.MustPush("team/app:1", index)
				in := faces.Cached("near", test.url)
				if test.role != "" {
					in.CustomRoleArn = &test.role
					faces.SetPolicy(t, neighbour, "team/app", faces.Statements(allowCache))
				}
				faces.CreateRule(t, f, in)
				calls := len(f.Registry.Trace())
				faces.RequirePulled(t, f, "near/team/app", faces.Tagged("1"), index)
				require.Equal(t, []string{
					"PullFromUpstream", "PullFromUpstream", "PullFromUpstream", "PullFromUpstream", "BatchGetImage",
				}, f.Registry.Trace()[calls:].Operations(), "looks for the index, its image, a config and a layer; no call of the neighbour")
				blob := index.Images[0].Blobs[0]
				require.Equal(t, blob, f.Download(t, "near/team/app", faces.DigestOf(blob)))
			})
		})
	}
}

// Pulling from a neighbour takes what the role may there: in its own account what
// nobody denies, in another what the policies of both sides allow.
func TestPoliciesOfANeighbour(t *testing.T) {
	const (
		ecrRole  = "arn:aws:iam::123456789012:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache"
		here     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
		hereARN  = "arn:aws:ecr:eu-west-1:123456789012:repository/team/app"
		there    = "210987654321.dkr.ecr.us-east-1.amazonaws.com"
		thereARN = faces.OtherARN + "team/app"
		denyAll  = `{"Effect":"Deny","Principal":"*","Action":"ecr:*"}`
	)
	in := func(f faces.Face) faces.Face { return f.In("eu-west-1") }
	account := func(f faces.Face) faces.Face { return f.Account(faces.Other) }
	for name, test := range map[string]struct {
		url, role  string
		neighbour  func(f faces.Face) faces.Face
		policy     string
		onRegistry bool
		identity   string
		denied     string
	}{
		"nothing allows":         {url: there, role: cacheRole, neighbour: account, denied: faces.NotAllowed(cacheRole, "BatchGetImage", thereARN, "resource-based")},
		"the repository allows":  {url: there, role: cacheRole, neighbour: account, policy: allowCache},
		"the registry allows":    {url: there, role: cacheRole, neighbour: account, policy: onRegistry(allowCache, "*"), onRegistry: true},
		"the account is allowed": {url: there, role: cacheRole, neighbour: account, policy: `{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"ecr:*"}`},
		"manifests only": {
			url: there, role: cacheRole, neighbour: account, policy: `{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}`,
			denied: faces.NotAllowed(cacheRole, "GetDownloadUrlForLayer", thereARN, "resource-based"),
		},
		"the role may not": {
			url: there, role: cacheRole, neighbour: account, policy: allowCache, identity: `{"Effect":"Allow","Action":"ecr:DescribeImages","Resource":"*"}`,
			denied: faces.NotAllowed(cacheRole, "BatchGetImage", thereARN, "identity-based"),
		},
		"a region denies":       {url: here, role: cacheRole, neighbour: in, policy: denyAll, denied: explicitlyDenied(cacheRole, "BatchGetImage", hereARN, "a resource-based")},
		"a region denies ECR":   {url: here, neighbour: in, policy: denyAll, denied: explicitlyDenied(ecrRole, "BatchGetImage", hereARN, "a resource-based")},
		"a region says nothing": {url: here, neighbour: in},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				neighbour, image := test.neighbour(f), fakeecr.RandomImage(1, 100)
				neighbour.Registry.MustPush("team/app:1", image)
				switch {
				case test.onRegistry:
					putRegistryPolicy(t, neighbour, faces.Statements(test.policy))
				case test.policy != "":
					_, err := neighbour.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("team/app"), PolicyText: aws.String(faces.Statements(test.policy)), Force: true})
					require.NoError(t, err)
				}
				if test.identity != "" {
					f.As(cacheRole, faces.Statements(test.identity))
				}
				rule := faces.Cached("near", test.url)
				if test.role != "" {
					rule.CustomRoleArn = &test.role
				}
				faces.CreateRule(t, f, rule)
				if test.denied == "" {
					faces.RequirePulled(t, f, "near/team/app", faces.Tagged("1"), image)
					return
				}
				faces.RequireFailure(t, f, "near/team/app", faces.Tagged("1"), types.ImageFailureCodeUpstreamAccessDenied,
					"Unable to pull from the upstream registry "+test.url+": the upstream registry denied access: "+test.denied)
			})
		})
	}
}

func TestPullFromAnotherAccountWithoutARole(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		f.Account("210987654321").Registry.MustPush("team/app:1", fakeecr.RandomImage(1, 100))
		faces.CreateRule(t, f, faces.Cached("far", "210987654321.dkr.ecr.us-east-1.amazonaws.com"))
		faces.RequireFailure(t, f, "far/team/app", faces.Tagged("1"), types.ImageFailureCodeUpstreamAccessDenied,
			"Unable to pull from the upstream registry 210987654321.dkr.ecr.us-east-1.amazonaws.com: the upstream registry denied access: the rule has no custom role for the registry of another account")
	})
}

// Two registries that are upstream of each other: a pull goes one step.
func TestPullGoesOneStep(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		other := f.In("eu-west-1")
		faces.CreateRule(t, f, faces.Cached("ROOT", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"))
		faces.CreateRule(t, other, faces.Cached("ROOT", "123456789012.dkr.ecr.us-east-1.amazonaws.com"))
		faces.RequireFailure(t, f, "team/app", faces.Tagged("1"), types.ImageFailureCodeImageNotFound, "Requested image not found")
		_, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("team/app"), LayerDigest: aws.String(faces.DigestOf(nil))})
		faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'team/app' does not exist in the registry with id '123456789012'")

		image := fakeecr.RandomImage(1, 100)
		sbom := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("sbom"))
		f.Registry.MustPush("team/app", image)
		other.Registry.MustPush("team/app", image)
		other.Registry.MustPush("team/app", sbom)
		faces.RequireReferrers(t, f, "team/app", image.Digest(), sbom)
	})
}

// What goes wrong in the upstream's own world goes wrong upstream.
func TestScenariosOfTheUpstream(t *testing.T) {
	denied := &types.LimitExceededException{Message: aws.String("no")}
	for name, test := range map[string]struct {
		rule *scenarios.Rule
		code types.ImageFailureCode
	}{
		"throttled manifest": {scenarios.On("BatchGetImage").Fail(scenarios.Throttled()), types.ImageFailureCodeUpstreamTooManyRequests},
		"throttled layer":    {scenarios.On("GetDownloadUrlForLayer").Fail(scenarios.Throttled()), types.ImageFailureCodeUpstreamTooManyRequests},
		"throttled bytes":    {scenarios.On(scenarios.DownloadLayer).Fail(scenarios.Throttled()), types.ImageFailureCodeUpstreamTooManyRequests},
		"another error":      {scenarios.On("BatchGetImage").Fail(denied), types.ImageFailureCodeUpstreamUnavailable},
		"no reply":           {scenarios.On("BatchGetImage").Drop(), types.ImageFailureCodeUpstreamUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				playing := hub.Play(scenarios.Scenario{test.rule})
				out := faces.Get(t, f, "hub/nginx", faces.Tagged("1"))
				require.Len(t, out.Failures, 1)
				require.Equal(t, test.code, out.Failures[0].FailureCode)
				playing.Stop()
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
			})
		})
	}
}

// calling is an upstream that does something before it answers.
type calling struct {
	fakeecr.Upstream
	call func(ctx context.Context)
}

func (c calling) Manifest(ctx context.Context, repository, reference string) (string, []byte, error) {
	c.call(ctx)
	return c.Upstream.Manifest(ctx, repository, reference)
}

func (c calling) Blob(ctx context.Context, repository, digest string) (io.ReadCloser, error) {
	c.call(ctx)
	return c.Upstream.Blob(ctx, repository, digest)
}

func (c calling) Referrers(ctx context.Context, _, _ string) ([]string, error) {
	c.call(ctx)
	return nil, ctx.Err()
}

// While upstream takes its time, the world goes on: with the same repository too.
func TestUpstreamIsAskedWithoutALock(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, upstream *faces.Switched) {
		image, ours := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		hub.MustPush("nginx:1", image)
		hub.MustPush("nginx:2", image)
		upstream.Upstream = calling{hub.Upstream(), func(context.Context) { f.Registry.MustPush("hub/nginx:1", ours) }}
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), ours)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("2"), image)

		// What is cached goes away while upstream is asked for it again.
		f.Registry.Advance(24 * time.Hour)
		goesAway := calling{hub.Upstream(), func(context.Context) {
			_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("hub/nginx"), Force: true})
			require.NoError(t, err)
		}}
		upstream.Upstream = goesAway
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("2"), image)
		require.Len(t, faces.ImageDetails(t, f, "hub/nginx"), 1)

		// Its tag becomes immutable.
		f.Registry.Advance(24 * time.Hour)
		hub.MustPush("nginx:2", fakeecr.RandomImage(3, 100))
		upstream.Upstream = calling{hub.Upstream(), func(context.Context) {
			_, err := f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{RepositoryName: aws.String("hub/nginx"), ImageTagMutability: types.ImageTagMutabilityImmutable})
			require.NoError(t, err)
		}}
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("2"), image)
		_, err := f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{RepositoryName: aws.String("hub/nginx"), ImageTagMutability: types.ImageTagMutabilityMutable})
		require.NoError(t, err)

		f.Registry.Advance(24 * time.Hour)
		goesAway.Upstream = faces.Failing{Err: fakeecr.ErrUpstreamNotFound}
		upstream.Upstream = goesAway
		_, err = f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Tagged("2")})
		faces.RequireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'hub/nginx' does not exist in the registry with id '123456789012'")
	})
}

func TestPullEndsWithItsContext(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, f faces.Face, subject string) error{
		"image": func(ctx context.Context, f faces.Face, _ string) error {
			return refusal(f.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/new"), ImageIds: faces.Tagged("1")}))
		},
		"layer": func(ctx context.Context, f faces.Face, _ string) error {
			return refusal(f.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/new"), LayerDigest: aws.String(faces.DigestNotThere)}))
		},
		"referrers": func(ctx context.Context, f faces.Face, subject string) error {
			return refusal(f.ListImageReferrers(ctx, &ecr.ListImageReferrersInput{RepositoryName: aws.String("hub/nginx"), SubjectId: &types.SubjectIdentifier{ImageDigest: &subject}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			listingThrough(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image) {
				f.Registry.MustPush("hub/nginx", fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("ours")))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				slow := calling{hub.Upstream(), func(pull context.Context) {
					cancel()
					<-pull.Done()
				}}
				set(listing{slow, slow})
				require.ErrorIs(t, call(ctx, f, image.Digest()), context.Canceled)
				require.Equal(t, []string{"hub/nginx"}, faces.Repositories(t, f))
			})
		})
	}
}

func TestManyPullsOfOneImage(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8")
		hub.MustPush("nginx:1", index)
		pullAtOnce := func() {
			var pulls sync.WaitGroup
			for range 8 {
				pulls.Go(func() {
					out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: faces.Tagged("1")})
					if err != nil || len(out.Images) != 1 || *out.Images[0].ImageId.ImageDigest != index.Digest() {
						t.Errorf("a pull answered %+v, %v", out, err)
					}
				})
			}
			pulls.Wait()
		}
		pullAtOnce()
		require.Len(t, faces.ImageDetails(t, f, "hub/nginx"), 3)
		index = fakeecr.RandomIndex(7, "linux/amd64", "linux/arm64/v8")
		hub.MustPush("nginx:1", index)
		f.Registry.Advance(24 * time.Hour)
		pullAtOnce()
		require.Len(t, faces.ImageDetails(t, f, "hub/nginx"), 6)
	})
}

// A pull whose answer is older than another's does not move the tag back: neither
// the first pull nor one that looks for something new.
func TestSlowPullDoesNotMoveTheTagBack(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, upstream *faces.Switched) {
		quick := hub.Upstream()
		hub.MustPush("nginx:1", fakeecr.RandomImage(1, 100))
		for seed := uint64(2); seed < 4; seed++ {
			newer := fakeecr.RandomImage(seed, 100)
			upstream.Upstream = changed{Upstream: quick, manifest: func(_ string, manifest []byte) []byte {
				hub.MustPush("nginx:1", newer)
				upstream.Upstream = quick
				faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), newer)
				f.Registry.Advance(time.Second)
				return manifest
			}}
			faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), newer)
			require.Equal(t, []string{"1"}, faces.ImageDetails(t, f, "hub/nginx")[newer.Digest()].ImageTags)
			f.Registry.Advance(24 * time.Hour)
		}
	})
}
