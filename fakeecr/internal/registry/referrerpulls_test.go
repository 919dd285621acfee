package registry_test

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
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
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

// listingThrough is faces.EachWithHub, where the repository "hub/nginx" has an image
// that came from upstream.
func listingThrough(t *testing.T, test func(t *testing.T, f faces.Face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image), options ...fakeecr.Option) {
	t.Helper()
	image := fakeecr.RandomImage(1, 100)
	upstream := new(relisted)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		hub := fakeecr.New(t)
		upstream.listing = listingOf(hub)
		faces.CreateRule(t, f, faces.CachedWithSecret("hub", "registry-1.docker.io", faces.HubSecret))
		hub.MustPush("nginx:1", image)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
		test(t, f, hub, func(u fakeecr.Upstream) { upstream.listing = u.(listing) }, image)
	}, append(options, fakeecr.WithUpstream("registry-1.docker.io", upstream))...)
}

type relisted struct{ listing }

func TestReferrersComeFromUpstream(t *testing.T) {
	listingThrough(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image) {
		var sboms []fakeecr.Image
		for i := range 21 { // more than a page
			sboms = append(sboms, fakeecr.Referrer(image, "application/vnd.example.sbom", []byte(fmt.Sprint(i))))
			hub.MustPush("nginx", sboms[i])
		}
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest(), sboms...)
		require.Equal(t, 2, hub.Trace().Count("ListImageReferrers"), "two pages")
		faces.RequirePulled(t, f, "hub/nginx", faces.Digested(sboms[0].Digest()), sboms[0])

		signature := fakeecr.Referrer(image, "application/vnd.example.signature", []byte("signed"))
		hub.MustPush("nginx", signature)
		f.Registry.Advance(24*time.Hour - time.Minute)
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest(), sboms...)
		require.Equal(t, 2, hub.Trace().Count("ListImageReferrers"))
		f.Registry.Advance(time.Minute)
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest(), append(sboms, signature)...)

		// What is here is served when upstream fails.
		f.Registry.Advance(24 * time.Hour)
		set(listing{hub.Upstream(), failingToList{errors.New("no route to host")}})
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest(), append(sboms, signature)...)
		f.Registry.SetSecret(faces.HubSecret, fakeecr.SecretAccessDenied)
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest(), append(sboms, signature)...)
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
			listingThrough(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image) {
				set(listing{hub.Upstream(), failingToList{test.err}})
				f.Registry.SetSecret(faces.HubSecret, test.secret)
				out, err := faces.ReferrersOf(t, f, "hub/nginx", image.Digest())
				if test.message != "" {
					faces.RequireError[*types.UnableToListUpstreamImageReferrersException](t, err, test.message)
					return
				}
				require.NoError(t, err)
				require.Empty(t, out.Referrers)
			})
		})
	}
}

func TestReferrerThatCannotCome(t *testing.T) {
	listingThrough(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, set func(fakeecr.Upstream), image fakeecr.Image) {
		sbom := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("sbom"))
		hub.MustPush("nginx", sbom)
		set(listing{changed{Upstream: hub.Upstream(), lacks: sbom.Digest()}, hub.Upstream().(fakeecr.UpstreamReferrers)})
		_, err := faces.ReferrersOf(t, f, "hub/nginx", image.Digest())
		faces.RequireError[*types.UnableToListUpstreamImageReferrersException](t, err,
			"Unable to pull from the upstream registry registry-1.docker.io: the upstream registry is unavailable: "+sbom.Digest()+" is missing")
		require.Len(t, faces.ImageDetails(t, f, "hub/nginx"), 1)
	})
}

// Referrers come all or not at all: those that are here are served without.
func TestReferrersBeyondTheQuota(t *testing.T) {
	listingThrough(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ func(fakeecr.Upstream), image fakeecr.Image) {
		for _, content := range []string{"one", "two", "three"} {
			hub.MustPush("nginx", fakeecr.Referrer(image, "application/vnd.example.sbom", []byte(content)))
		}
		_, err := faces.ReferrersOf(t, f, "hub/nginx", image.Digest())
		faces.RequireError[*types.UnableToListUpstreamImageReferrersException](t, err, faces.FullOfImages("hub/nginx", 3))
		ours := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("ours"))
		f.Registry.MustPush("hub/nginx", ours)
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest(), ours)
		require.Len(t, faces.ImageDetails(t, f, "hub/nginx"), 2)
	}, fakeecr.WithQuota(fakeecr.ImagesPerRepository, 3))
}

// An upstream need not list referrers; those that were pushed are here all the same.
func TestUpstreamWithoutReferrers(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		image := fakeecr.RandomImage(1, 100)
		hub.MustPush("nginx:1", image)
		hub.MustPush("nginx", fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("theirs")))
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest())
		ours := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("ours"))
		f.Registry.MustPush("hub/nginx", ours)
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest(), ours)
	})
}

// Who may not bring anything from upstream lists what is here.
func TestReferrersWithoutThePermissionToImport(t *testing.T) {
	listingThrough(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ func(fakeecr.Upstream), image fakeecr.Image) {
		sbom := fakeecr.Referrer(image, "application/vnd.example.sbom", []byte("sbom"))
		hub.MustPush("nginx", sbom)
		reader := f.As("arn:aws:iam::123456789012:user/reader", faces.Statements(`{"Effect":"Allow","Action":"ecr:BatchGetImage","Resource":"*"}`,
			`{"Effect":"Allow","Action":"ecr:ListImageReferrers","Resource":"*"}`))
		faces.RequireReferrers(t, reader, "hub/nginx", image.Digest())
		require.Zero(t, hub.Trace().Count("ListImageReferrers"))
		faces.RequireReferrers(t, f, "hub/nginx", image.Digest(), sbom)
		faces.RequireReferrers(t, reader, "hub/nginx", image.Digest(), sbom)
	})
}

// A layer in the archive is here, and not looked for upstream.
func TestArchivedLayerIsNotPulled(t *testing.T) {
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		image := fakeecr.RandomImage(1, 100)
		hub.MustPush("nginx:1", image)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
		_, err := f.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{
			RepositoryName: aws.String("hub/nginx"), ImageId: &types.ImageIdentifier{ImageTag: aws.String("1")}, TargetStorageClass: types.TargetStorageClassArchive,
		})
		require.NoError(t, err)
		asked := len(hub.Trace())
		_, err = f.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: aws.String("hub/nginx"), LayerDigest: aws.String(faces.DigestOf(image.Blobs[0]))})
		require.ErrorAs(t, err, new(*types.LayerInaccessibleException))
		require.Len(t, hub.Trace(), asked)
	})
}

// A pull from upstream takes two permissions beside its own; who lacks them finds
// what is here, and what is cached takes none of them.
func TestPermissionsOfPulls(t *testing.T) {
	const user = "arn:aws:iam::123456789012:user/puller"
	allow := func(actions string) string {
		return faces.Statements(`{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}`)
	}
	const noRedis = "The repository with name 'hub/redis' does not exist in the registry with id '123456789012'"
	faces.EachWithHub(t, func(t *testing.T, f faces.Face, hub *fakeecr.Registry, _ *faces.Switched) {
		image, second := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		hub.MustPush("nginx:1", image)
		hub.MustPush("nginx:2", second)
		hub.MustPush("redis:1", image)
		faces.RequirePulled(t, f, "hub/nginx", faces.Tagged("1"), image)
		pull := func(api fakeecr.API, repository, tag string) error {
			_, err := api.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: faces.Tagged(tag)})
			return err
		}
		pullLayer := func(api fakeecr.API, repository string, of fakeecr.Image) error {
			_, err := api.GetDownloadUrlForLayer(t.Context(), &ecr.GetDownloadUrlForLayerInput{RepositoryName: &repository, LayerDigest: aws.String(faces.DigestOf(of.Blobs[0]))})
			return err
		}
		const reading = `"ecr:BatchGetImage","ecr:GetDownloadUrlForLayer","ecr:ListImageReferrers"`
		reader := f.As(user, allow(reading))
		asked := len(hub.Trace())
		faces.RequireFailure(t, reader, "hub/nginx", faces.Tagged("2"), types.ImageFailureCodeImageNotFound, "Requested image not found")
		faces.RequireError[*types.LayersNotFoundException](t, pullLayer(reader, "hub/nginx", second),
			"The layer with digest '"+faces.DigestOf(second.Blobs[0])+"' does not exist within the repository with name 'hub/nginx' in the registry with id '123456789012'")
		faces.RequireError[*types.RepositoryNotFoundException](t, pull(reader, "hub/redis", "1"), noRedis)
		faces.RequireError[*types.RepositoryNotFoundException](t, pullLayer(reader, "hub/redis", image), noRedis)
		faces.RequirePulled(t, reader, "hub/nginx", faces.Tagged("1"), image)
		require.NoError(t, pullLayer(reader, "hub/nginx", image))
		faces.RequireReferrers(t, reader, "hub/nginx", image.Digest())
		f.Registry.Advance(24 * time.Hour)
		faces.RequirePulled(t, reader, "hub/nginx", faces.Tagged("1"), image)
		require.Len(t, hub.Trace(), asked)

		importer := f.As(user, allow(reading+`,"ecr:BatchImportUpstreamImage"`))
		faces.RequirePulled(t, importer, "hub/nginx", faces.Tagged("2"), second)
		faces.RequireError[*types.RepositoryNotFoundException](t, pull(importer, "hub/redis", "1"), noRedis)
		require.Equal(t, []string{"hub/nginx"}, faces.Repositories(t, f))

		maker := f.As(user, allow(reading+`,"ecr:BatchImportUpstreamImage","ecr:CreateRepository"`))
		faces.RequirePulled(t, maker, "hub/redis", faces.Tagged("1"), image)
	})
}
