package fakeecr_test

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
	"github.com/fakeecr/ecr/scenarios"
)

// failing is an upstream that answers errors.
type failing struct{ err error }

func (f failing) Manifest(context.Context, string, string) (string, []byte, error) {
	return "", nil, f.err
}
func (f failing) Blob(context.Context, string, string) (io.ReadCloser, error) { return nil, f.err }

func TestUpstreamFails(t *testing.T) {
	layer := digestOf([]byte("layer"))
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
			pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, upstream *switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				requirePulled(t, f, "hub/nginx", tagged("1"), image)

				upstream.Upstream = failing{test.err}
				reason := "Unable to pull from the upstream registry registry-1.docker.io: " + test.reason
				requireFailure(t, f, "hub/nginx", tagged("2"), test.code, reason)
				requireFailure(t, f, "hub/other", digested(image.Digest()), test.code, reason)
				_, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: &layer})
				requireError[*types.UnableToGetUpstreamLayerException](t, err, reason)

				f.registry.Advance(24 * time.Hour)
				requirePulled(t, f, "hub/nginx", tagged("1"), image)
				require.Equal(t, image.Blobs[0], f.download(t, "hub/nginx", digestOf(image.Blobs[0])))
				require.Equal(t, []string{"hub/nginx"}, repositories(t, f))

				// A failed check is not a check.
				after := fakeecr.RandomImage(2, 100)
				hub.MustPush("nginx:1", after)
				upstream.Upstream = hub.Upstream()
				requirePulled(t, f, "hub/nginx", tagged("1"), after)
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
			content[digestOf(blob)] = blob
		}
	}
	onAllFaces(t, func(t *testing.T, f face) {
		createRule(t, f, cached("quay", "quay.io"))
		requirePulled(t, f, "quay/coreos/etcd", tagged("1"), index)
		blob := index.Images[1].Blobs[0]
		require.Equal(t, blob, f.download(t, "quay/coreos/etcd", digestOf(blob)))
		requireFailure(t, f, "quay/coreos/etcd", tagged("2"), types.ImageFailureCodeUpstreamTooManyRequests,
			"Unable to pull from the upstream registry quay.io: the upstream registry received too many requests")
		_, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("quay/coreos/etcd"), LayerDigest: aws.String(digestNotThere)})
		requireError[*types.UnableToGetUpstreamLayerException](t, err, "Unable to pull from the upstream registry quay.io: the upstream registry received too many requests")
	}, fakeecr.WithUpstream("quay.io", fakeecr.UpstreamFunc(func(_ context.Context, repository, reference string) (string, []byte, error) {
		if found := content[reference]; repository == "coreos/etcd" && found != nil {
			return "", found, nil
		}
		return "", nil, fakeecr.ErrUpstreamTooManyRequests
	})))
}

func TestPullWithoutAnUpstream(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		createRule(t, f, cached("k8s", "registry.k8s.io"))
		requireFailure(t, f, "k8s/pause", tagged("3.9"), types.ImageFailureCodeUpstreamUnavailable,
			"Unable to pull from the upstream registry registry.k8s.io: the upstream registry is unavailable: the fake was given no upstream for it")
	})
}

const authenticationFailed = "The authentication to the upstream registry failed. Verify that the credentials provided in the pull through cache rule are correct, and try again."

// A secret that cannot be read fails the whole call, unless the cache can serve
// all of it.
func TestPullWithABadSecret(t *testing.T) {
	for _, state := range []fakeecr.SecretState{fakeecr.SecretNotFound, fakeecr.SecretAccessDenied, fakeecr.SecretUndecryptable} {
		t.Run(string(state), func(t *testing.T) {
			pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ *switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				requirePulled(t, f, "hub/nginx", tagged("1"), image)
				f.registry.SetSecret(hubSecret, state)
				f.registry.Advance(24 * time.Hour)
				requirePulled(t, f, "hub/nginx", tagged("1"), image)

				_, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: tagged("1", "2")})
				requireError[*types.UnableToGetUpstreamImageException](t, err, authenticationFailed)
				_, err = f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: aws.String(digestOf([]byte("x")))})
				requireError[*types.UnableToGetUpstreamLayerException](t, err, authenticationFailed)
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
			changed{manifest: func(string, []byte) []byte { return child.Manifest }}, digested(index.Digest()),
			"manifest " + index.Digest() + " has the digest " + child.Digest(),
		},
		"no manifest":             {changed{manifest: func(string, []byte) []byte { return nil }}, tagged("1"), "manifest 1: Invalid JSON syntax"},
		"a layer that was cut":    {changed{blob: cut}, tagged("1"), "layer " + digestOf(index.Images[0].Blobs[1]) + " has the digest " + digestOf(cut(index.Images[0].Blobs[1]))},
		"a child that is missing": {changed{lacks: child.Digest()}, tagged("1"), child.Digest() + " is missing"},
		"a layer that is missing": {changed{lacks: digestOf(child.Blobs[0])}, tagged("1"), digestOf(child.Blobs[0]) + " is missing"},
		"another child": {
			changed{manifest: func(reference string, manifest []byte) []byte {
				if reference == child.Digest() {
					return index.Manifest
				}
				return manifest
			}}, tagged("1"), "manifest " + child.Digest() + " has the digest " + index.Digest(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, upstream *switched) {
				hub.MustPush("nginx:1", index)
				bad := test.upstream
				bad.Upstream = hub.Upstream()
				upstream.Upstream = bad
				requireFailure(t, f, "hub/nginx", test.ids, types.ImageFailureCodeUpstreamUnavailable,
					"Unable to pull from the upstream registry registry-1.docker.io: the upstream registry is unavailable: "+test.reason)
				require.Empty(t, repositories(t, f), "nothing of it was kept")

				upstream.Upstream = hub.Upstream()
				requirePulled(t, f, "hub/nginx", tagged("1"), index)
			})
		})
	}
}

// An image that cannot come leaves nothing behind, also beside one that can.
func TestPullOfHalfAnImage(t *testing.T) {
	pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, upstream *switched) {
		index, image := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8"), fakeecr.RandomImage(5, 100)
		hub.MustPush("nginx:1", index)
		hub.MustPush("nginx:2", image)
		upstream.Upstream = changed{Upstream: hub.Upstream(), lacks: index.Images[1].Digest()}
		out := get(t, f, "hub/nginx", tagged("1", "2"))
		require.Len(t, out.Images, 1)
		require.Len(t, out.Failures, 1)
		require.Equal(t, types.ImageFailureCodeUpstreamUnavailable, out.Failures[0].FailureCode)
		images := imageDetails(t, f, "hub/nginx")
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
		neighbour func(f face) face
	}{
		"another region":  {"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "", func(f face) face { return f.in("eu-west-1") }},
		"another account": {"210987654321.dkr.ecr.us-east-1.amazonaws.com", cacheRole, func(f face) face { return f.account("210987654321") }},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				neighbour := test.neighbour(f)
				index := fakeecr.RandomIndex(1, "linux/amd64")
				neighbour.registry.MustPush("team/app:1", index)
				in := cached("near", test.url)
				if test.role != "" {
					in.CustomRoleArn = &test.role
					setPolicy(t, neighbour, "team/app", statements(allowCache))
				}
				createRule(t, f, in)
				calls := len(f.registry.Trace())
				requirePulled(t, f, "near/team/app", tagged("1"), index)
				require.Equal(t, []string{
					"PullFromUpstream", "PullFromUpstream", "PullFromUpstream", "PullFromUpstream", "BatchGetImage",
				}, f.registry.Trace()[calls:].Operations(), "looks for the index, its image, a config and a layer; no call of the neighbour")
				blob := index.Images[0].Blobs[0]
				require.Equal(t, blob, f.download(t, "near/team/app", digestOf(blob)))
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
		thereARN = otherARN + "team/app"
		denyAll  = `{"Effect":"Deny","Principal":"*","Action":"ecr:*"}`
	)
	in := func(f face) face { return f.in("eu-west-1") }
	account := func(f face) face { return f.account(other) }
	for name, test := range map[string]struct {
		url, role  string
		neighbour  func(f face) face
		policy     string
		onRegistry bool
		identity   string
		denied     string
	}{
		"nothing allows":         {url: there, role: cacheRole, neighbour: account, denied: notAllowed(cacheRole, "BatchGetImage", thereARN, "resource-based")},
		"the repository allows":  {url: there, role: cacheRole, neighbour: account, policy: allowCache},
		"the registry allows":    {url: there, role: cacheRole, neighbour: account, policy: onRegistry(allowCache, "*"), onRegistry: true},
		"the account is allowed": {url: there, role: cacheRole, neighbour: account, policy: `{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"ecr:*"}`},
		"manifests only": {
			url: there, role: cacheRole, neighbour: account, policy: `{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}`,
			denied: notAllowed(cacheRole, "GetDownloadUrlForLayer", thereARN, "resource-based"),
		},
		"the role may not": {
			url: there, role: cacheRole, neighbour: account, policy: allowCache, identity: `{"Effect":"Allow","Action":"ecr:DescribeImages","Resource":"*"}`,
			denied: notAllowed(cacheRole, "BatchGetImage", thereARN, "identity-based"),
		},
		"a region denies":       {url: here, role: cacheRole, neighbour: in, policy: denyAll, denied: explicitlyDenied(cacheRole, "BatchGetImage", hereARN, "a resource-based")},
		"a region denies ECR":   {url: here, neighbour: in, policy: denyAll, denied: explicitlyDenied(ecrRole, "BatchGetImage", hereARN, "a resource-based")},
		"a region says nothing": {url: here, neighbour: in},
	} {
		t.Run(name, func(t *testing.T) {
			onAllFaces(t, func(t *testing.T, f face) {
				neighbour, image := test.neighbour(f), fakeecr.RandomImage(1, 100)
				neighbour.registry.MustPush("team/app:1", image)
				switch {
				case test.onRegistry:
					putRegistryPolicy(t, neighbour, statements(test.policy))
				case test.policy != "":
					_, err := neighbour.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("team/app"), PolicyText: aws.String(statements(test.policy)), Force: true})
					require.NoError(t, err)
				}
				if test.identity != "" {
					f.as(cacheRole, statements(test.identity))
				}
				rule := cached("near", test.url)
				if test.role != "" {
					rule.CustomRoleArn = &test.role
				}
				createRule(t, f, rule)
				if test.denied == "" {
					requirePulled(t, f, "near/team/app", tagged("1"), image)
					return
				}
				requireFailure(t, f, "near/team/app", tagged("1"), types.ImageFailureCodeUpstreamAccessDenied,
					"Unable to pull from the upstream registry "+test.url+": the upstream registry denied access: "+test.denied)
			})
		})
	}
}

func TestPullFromAnotherAccountWithoutARole(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		f.account("210987654321").registry.MustPush("team/app:1", fakeecr.RandomImage(1, 100))
		createRule(t, f, cached("far", "210987654321.dkr.ecr.us-east-1.amazonaws.com"))
		requireFailure(t, f, "far/team/app", tagged("1"), types.ImageFailureCodeUpstreamAccessDenied,
			"Unable to pull from the upstream registry 210987654321.dkr.ecr.us-east-1.amazonaws.com: the upstream registry denied access: the rule has no custom role for the registry of another account")
	})
}

// Two registries that are upstream of each other: a pull goes one step.
func TestPullGoesOneStep(t *testing.T) {
	onAllFaces(t, func(t *testing.T, f face) {
		other := f.in("eu-west-1")
		createRule(t, f, cached("ROOT", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"))
		createRule(t, other, cached("ROOT", "123456789012.dkr.ecr.us-east-1.amazonaws.com"))
		requireFailure(t, f, "team/app", tagged("1"), types.ImageFailureCodeImageNotFound, "Requested image not found")
		_, err := f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("team/app"), LayerDigest: aws.String(digestOf(nil))})
		requireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'team/app' does not exist in the registry with id '123456789012'")

		image := fakeecr.RandomImage(1, 100)
		sbom := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("sbom"))
		f.registry.MustPush("team/app", image)
		other.registry.MustPush("team/app", image)
		other.registry.MustPush("team/app", sbom)
		requireReferrers(t, f, "team/app", image.Digest(), sbom)
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
			pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ *switched) {
				image := fakeecr.RandomImage(1, 100)
				hub.MustPush("nginx:1", image)
				playing := hub.Play(scenarios.Scenario{test.rule})
				out := get(t, f, "hub/nginx", tagged("1"))
				require.Len(t, out.Failures, 1)
				require.Equal(t, test.code, out.Failures[0].FailureCode)
				playing.Stop()
				requirePulled(t, f, "hub/nginx", tagged("1"), image)
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
	pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, upstream *switched) {
		image, ours := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		hub.MustPush("nginx:1", image)
		hub.MustPush("nginx:2", image)
		upstream.Upstream = calling{hub.Upstream(), func(context.Context) { f.registry.MustPush("hub/nginx:1", ours) }}
		requirePulled(t, f, "hub/nginx", tagged("1"), ours)
		requirePulled(t, f, "hub/nginx", tagged("2"), image)

		// What is cached goes away while upstream is asked for it again.
		f.registry.Advance(24 * time.Hour)
		goesAway := calling{hub.Upstream(), func(context.Context) {
			_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("hub/nginx"), Force: true})
			require.NoError(t, err)
		}}
		upstream.Upstream = goesAway
		requirePulled(t, f, "hub/nginx", tagged("2"), image)
		require.Len(t, imageDetails(t, f, "hub/nginx"), 1)

		// Its tag becomes immutable.
		f.registry.Advance(24 * time.Hour)
		hub.MustPush("nginx:2", fakeecr.RandomImage(3, 100))
		upstream.Upstream = calling{hub.Upstream(), func(context.Context) {
			_, err := f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{RepositoryName: aws.String("hub/nginx"), ImageTagMutability: types.ImageTagMutabilityImmutable})
			require.NoError(t, err)
		}}
		requirePulled(t, f, "hub/nginx", tagged("2"), image)
		_, err := f.PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{RepositoryName: aws.String("hub/nginx"), ImageTagMutability: types.ImageTagMutabilityMutable})
		require.NoError(t, err)

		f.registry.Advance(24 * time.Hour)
		goesAway.Upstream = failing{fakeecr.ErrUpstreamNotFound}
		upstream.Upstream = goesAway
		_, err = f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: tagged("2")})
		requireError[*types.RepositoryNotFoundException](t, err, "The repository with name 'hub/nginx' does not exist in the registry with id '123456789012'")
	})
}

func TestPullEndsWithItsContext(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, f face, subject string) error{
		"image": func(ctx context.Context, f face, _ string) error {
			return refusal(f.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/new"), ImageIds: tagged("1")}))
		},
		"layer": func(ctx context.Context, f face, _ string) error {
			return refusal(f.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/new"), LayerDigest: aws.String(digestNotThere)}))
		},
		"referrers": func(ctx context.Context, f face, subject string) error {
			return refusal(f.ListImageReferrers(ctx, &ecr.ListImageReferrersInput{RepositoryName: aws.String("hub/nginx"), SubjectId: &types.SubjectIdentifier{ImageDigest: &subject}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			listingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image) {
				f.registry.MustPush("hub/nginx", fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("ours")))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				slow := calling{hub.Upstream(), func(pull context.Context) {
					cancel()
					<-pull.Done()
				}}
				set(listing{slow, slow})
				require.ErrorIs(t, call(ctx, f, image.Digest()), context.Canceled)
				require.Equal(t, []string{"hub/nginx"}, repositories(t, f))
			})
		})
	}
}

func TestManyPullsOfOneImage(t *testing.T) {
	pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ *switched) {
		index := fakeecr.RandomIndex(1, "linux/amd64", "linux/arm64/v8")
		hub.MustPush("nginx:1", index)
		pullAtOnce := func() {
			var pulls sync.WaitGroup
			for range 8 {
				pulls.Go(func() {
					out, err := f.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("hub/nginx"), ImageIds: tagged("1")})
					if err != nil || len(out.Images) != 1 || *out.Images[0].ImageId.ImageDigest != index.Digest() {
						t.Errorf("a pull answered %+v, %v", out, err)
					}
				})
			}
			pulls.Wait()
		}
		pullAtOnce()
		require.Len(t, imageDetails(t, f, "hub/nginx"), 3)
		index = fakeecr.RandomIndex(7, "linux/amd64", "linux/arm64/v8")
		hub.MustPush("nginx:1", index)
		f.registry.Advance(24 * time.Hour)
		pullAtOnce()
		require.Len(t, imageDetails(t, f, "hub/nginx"), 6)
	})
}

// A pull whose answer is older than another's does not move the tag back: neither
// the first pull nor one that looks for something new.
func TestSlowPullDoesNotMoveTheTagBack(t *testing.T) {
	pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, upstream *switched) {
		quick := hub.Upstream()
		hub.MustPush("nginx:1", fakeecr.RandomImage(1, 100))
		for seed := uint64(2); seed < 4; seed++ {
			newer := fakeecr.RandomImage(seed, 100)
			upstream.Upstream = changed{Upstream: quick, manifest: func(_ string, manifest []byte) []byte {
				hub.MustPush("nginx:1", newer)
				upstream.Upstream = quick
				requirePulled(t, f, "hub/nginx", tagged("1"), newer)
				f.registry.Advance(time.Second)
				return manifest
			}}
			requirePulled(t, f, "hub/nginx", tagged("1"), newer)
			require.Equal(t, []string{"1"}, imageDetails(t, f, "hub/nginx")[newer.Digest()].ImageTags)
			f.registry.Advance(24 * time.Hour)
		}
	})
}
