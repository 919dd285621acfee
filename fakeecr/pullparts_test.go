package fakeecr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// listing is an upstream whose referrers are listed.
type listing struct {
	fakeecr.Upstream
	fakeecr.UpstreamReferrers
}

type failingToList struct{ err error }

func (f failingToList) Referrers(context.Context, string, string) ([]string, error) {
	return nil, f.err
}

func listingOf(r *fakeecr.Registry) listing {
	return listing{r.Upstream(), r.Upstream().(fakeecr.UpstreamReferrers)}
}

func requireReferrers(t *testing.T, api fakeecr.API, repository, subject string, referrers ...fakeecr.Image) {
	t.Helper()
	out, err := referrersOf(t, api, repository, subject)
	require.NoError(t, err)
	want, got := []string{}, []string{}
	for _, referrer := range referrers {
		want = append(want, referrer.Digest())
	}
	for _, referrer := range out.Referrers {
		got = append(got, *referrer.Digest)
	}
	require.ElementsMatch(t, want, got)
}

// listingThrough is pullingThrough, where the repository "hub/nginx" has an image
// that came from upstream.
func listingThrough(t *testing.T, test func(t *testing.T, f face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image), options ...fakeecr.Option) {
	t.Helper()
	image := fakeecr.RandomImage(1, 100)
	upstream := new(relisted)
	onAllFaces(t, func(t *testing.T, f face) {
		hub := fakeecr.New(t)
		upstream.listing = listingOf(hub)
		createRule(t, f, cachedWithSecret("hub", "registry-1.docker.io", hubSecret))
		hub.MustPush("nginx:1", image)
		requirePulled(t, f, "hub/nginx", tagged("1"), image)
		test(t, f, hub, func(u fakeecr.Upstream) { upstream.listing = u.(listing) }, image)
	}, append(options, fakeecr.WithUpstream("registry-1.docker.io", upstream))...)
}

type relisted struct{ listing }

func TestReferrersComeFromUpstream(t *testing.T) {
	listingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image) {
		var sboms []fakeecr.Image
		for i := range 21 { // more than a page
			sboms = append(sboms, fakeecr.Referrer(image, "application/vnd.example.sbom", []byte(fmt.Sprint(i))))
			hub.MustPush("nginx", sboms[i])
		}
		requireReferrers(t, f, "hub/nginx", image.Digest(), sboms...)
		require.Equal(t, 2, hub.Trace().Count("ListImageReferrers"), "two pages")
		requirePulled(t, f, "hub/nginx", digested(sboms[0].Digest()), sboms[0])

		signature := fakeecr.Referrer(image, "application/vnd.example.signature", []byte("signed"))
		hub.MustPush("nginx", signature)
		f.registry.Advance(24*time.Hour - time.Minute)
		requireReferrers(t, f, "hub/nginx", image.Digest(), sboms...)
		require.Equal(t, 2, hub.Trace().Count("ListImageReferrers"))
		f.registry.Advance(time.Minute)
		requireReferrers(t, f, "hub/nginx", image.Digest(), append(sboms, signature)...)

		// What is here is served when upstream fails.
		f.registry.Advance(24 * time.Hour)
		set(listing{hub.Upstream(), failingToList{errors.New("no route to host")}})
		requireReferrers(t, f, "hub/nginx", image.Digest(), append(sboms, signature)...)
		f.registry.SetSecret(hubSecret, fakeecr.SecretAccessDenied)
		requireReferrers(t, f, "hub/nginx", image.Digest(), append(sboms, signature)...)
	})
}

func TestReferrersThatUpstreamDoesNotList(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		secret  fakeecr.SecretState
		message string
	}{
		"nothing there": {err: fakeecr.ErrUpstreamNotFound},
		"unavailable":   {err: errors.New("no route to host"), message: "Unable to pull from the upstream registry registry-1.docker.io: no route to host"},
		"denied":        {err: fakeecr.ErrUpstreamAccessDenied, message: "Unable to pull from the upstream registry registry-1.docker.io: the upstream registry denied access"},
		"bad secret": {
			secret:  fakeecr.SecretUndecryptable,
			message: authenticationFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			listingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image) {
				set(listing{hub.Upstream(), failingToList{test.err}})
				f.registry.SetSecret(hubSecret, test.secret)
				out, err := referrersOf(t, f, "hub/nginx", image.Digest())
				if test.message != "" {
					requireError[*types.UnableToListUpstreamImageReferrersException](t, err, test.message)
					return
				}
				require.NoError(t, err)
				require.Empty(t, out.Referrers)
			})
		})
	}
}

func TestReferrerThatCannotCome(t *testing.T) {
	listingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image) {
		sbom := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("sbom"))
		hub.MustPush("nginx", sbom)
		set(listing{changed{Upstream: hub.Upstream(), lacks: sbom.Digest()}, hub.Upstream().(fakeecr.UpstreamReferrers)})
		_, err := referrersOf(t, f, "hub/nginx", image.Digest())
		requireError[*types.UnableToListUpstreamImageReferrersException](t, err,
			"Unable to pull from the upstream registry registry-1.docker.io: the upstream registry is unavailable: "+sbom.Digest()+" is missing")
		require.Len(t, imageDetails(t, f, "hub/nginx"), 1)
	})
}

// Referrers come all or not at all: those that are here are served without.
func TestReferrersBeyondTheQuota(t *testing.T) {
	listingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ func(fakeecr.Upstream), image fakeecr.Image) {
		for _, content := range []string{"one", "two", "three"} {
			hub.MustPush("nginx", fakeecr.Referrer(image, "application/vnd.example.sbom", []byte(content)))
		}
		_, err := referrersOf(t, f, "hub/nginx", image.Digest())
		requireError[*types.UnableToListUpstreamImageReferrersException](t, err, fullOfImages("hub/nginx", 3))
		ours := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("ours"))
		f.registry.MustPush("hub/nginx", ours)
		requireReferrers(t, f, "hub/nginx", image.Digest(), ours)
		require.Len(t, imageDetails(t, f, "hub/nginx"), 2)
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 3))
}

// An upstream need not list referrers; those that were pushed are here all the same.
func TestUpstreamWithoutReferrers(t *testing.T) {
	pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ *switched) {
		image := fakeecr.RandomImage(1, 100)
		hub.MustPush("nginx:1", image)
		hub.MustPush("nginx", fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("theirs")))
		requirePulled(t, f, "hub/nginx", tagged("1"), image)
		requireReferrers(t, f, "hub/nginx", image.Digest())
		ours := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("ours"))
		f.registry.MustPush("hub/nginx", ours)
		requireReferrers(t, f, "hub/nginx", image.Digest(), ours)
	})
}

// Who may not bring anything from upstream lists what is here.
func TestReferrersWithoutThePermissionToImport(t *testing.T) {
	listingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ func(fakeecr.Upstream), image fakeecr.Image) {
		sbom := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("sbom"))
		hub.MustPush("nginx", sbom)
		reader := f.as("arn:aws:iam::123456789012:user/reader", statements(`{"Effect":"Allow","Action":"ecr:BatchGetImage","Resource":"*"}`,
			`{"Effect":"Allow","Action":"ecr:ListImageReferrers","Resource":"*"}`))
		requireReferrers(t, reader, "hub/nginx", image.Digest())
		require.Zero(t, hub.Trace().Count("ListImageReferrers"))
		requireReferrers(t, f, "hub/nginx", image.Digest(), sbom)
		requireReferrers(t, reader, "hub/nginx", image.Digest(), sbom)
	})
}

// A layer in the archive is here, and not looked for upstream.
func TestArchivedLayerIsNotPulled(t *testing.T) {
	pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ *switched) {
		image := fakeecr.RandomImage(1, 100)
		hub.MustPush("nginx:1", image)
		requirePulled(t, f, "hub/nginx", tagged("1"), image)
		_, err := f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{
			RepositoryName: aws.String("hub/nginx"), ImageId: &types.ImageIdentifier{ImageTag: aws.String("1")}, TargetStorageClass: types.TargetStorageClassArchive,
		})
		require.NoError(t, err)
		asked := len(hub.Trace())
		_, err = f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: aws.String(digestOf(image.Blobs[0]))})
		require.ErrorAs(t, err, new(*types.LayerInaccessibleException))
		require.Len(t, hub.Trace(), asked)
	})
}

// A pull from upstream takes two permissions beside its own; who lacks them finds
// what is here, and what is cached takes none of them.
func TestPermissionsOfPulls(t *testing.T) {
	const user = "arn:aws:iam::123456789012:user/puller"
	allow := func(actions string) string {
		return statements(`{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}`)
	}
	const noRedis = "The repository with name 'hub/redis' does not exist in the registry with id '123456789012'"
	pullingThrough(t, func(t *testing.T, f face, hub *fakeecr.Registry, _ *switched) {
		image, second := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		hub.MustPush("nginx:1", image)
		hub.MustPush("nginx:2", second)
		hub.MustPush("redis:1", image)
		requirePulled(t, f, "hub/nginx", tagged("1"), image)
		pull := func(api fakeecr.API, repository, tag string) error {
			_, err := api.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: tagged(tag)})
			return err
		}
		pullLayer := func(api fakeecr.API, repository string, of fakeecr.Image) error {
			_, err := api.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: &repository, LayerDigest: aws.String(digestOf(of.Blobs[0]))})
			return err
		}
		const reading = `"ecr:BatchGetImage","ecr:GetDownloadUrlForLayer","ecr:ListImageReferrers"`
		reader := f.as(user, allow(reading))
		asked := len(hub.Trace())
		requireFailure(t, reader, "hub/nginx", tagged("2"), types.ImageFailureCodeImageNotFound, "Requested image not found")
		requireError[*types.LayersNotFoundException](t, pullLayer(reader, "hub/nginx", second),
			"The layer with digest '"+digestOf(second.Blobs[0])+"' does not exist within the repository with name 'hub/nginx' in the registry with id '123456789012'")
		requireError[*types.RepositoryNotFoundException](t, pull(reader, "hub/redis", "1"), noRedis)
		requireError[*types.RepositoryNotFoundException](t, pullLayer(reader, "hub/redis", image), noRedis)
		requirePulled(t, reader, "hub/nginx", tagged("1"), image)
		require.NoError(t, pullLayer(reader, "hub/nginx", image))
		requireReferrers(t, reader, "hub/nginx", image.Digest())
		f.registry.Advance(24 * time.Hour)
		requirePulled(t, reader, "hub/nginx", tagged("1"), image)
		require.Len(t, hub.Trace(), asked)

		importer := f.as(user, allow(reading+`,"ecr:BatchImportUpstreamImage"`))
		requirePulled(t, importer, "hub/nginx", tagged("2"), second)
		requireError[*types.RepositoryNotFoundException](t, pull(importer, "hub/redis", "1"), noRedis)
		require.Equal(t, []string{"hub/nginx"}, repositories(t, f))

		maker := f.as(user, allow(reading+`,"ecr:BatchImportUpstreamImage","ecr:CreateRepository"`))
		requirePulled(t, maker, "hub/redis", tagged("1"), image)
	})
}
