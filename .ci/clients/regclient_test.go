package clients

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/regclient/regclient"
	"github.com/regclient/regclient/config"
	"github.com/regclient/regclient/scheme"
	"github.com/regclient/regclient/scheme/reg"
	"github.com/regclient/regclient/types/descriptor"
	"github.com/regclient/regclient/types/errs"
	"github.com/regclient/regclient/types/ref"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// regclient is regclient at the registry endpoint of a world. It sends layers of no
// known size in chunks, the least that ECR takes, and does not pause after an error.
func (w wire) regclient() *regclient.RegClient {
	host := config.Host{Name: w.host, Hostname: w.host, User: "AWS", Pass: w.password, TLS: config.TLSEnabled, BlobChunk: minPart}
	if w.plain {
		host.TLS = config.TLSDisabled
	}
	return regclient.New(regclient.WithConfigHost(host), regclient.WithRetryDelay(time.Millisecond, time.Millisecond), regclient.WithRegOpts(reg.WithHTTPClient(&http.Client{Transport: w.way})))
}

func (w wire) ref(t *testing.T, reference string) ref.Ref {
	t.Helper()
	named, err := ref.New(w.host + "/" + reference)
	require.NoError(t, err)
	return named
}

func TestRegclient(t *testing.T) {
	for mode, options := range modes {
		t.Run(mode, func(t *testing.T) {
			onAllWires(t, func(t *testing.T, w wire) {
				ctx, client := t.Context(), w.regclient()
				create(t, w.registry, app)
				image := fakeecr.RandomImage(1, 100, 2*minPart+1)
				w.registry.MustPush("base:v1", image)

				// A layer that is pushed in chunks is one layer. The client goes by the
				// ranges that it is told, which of ECR's are those of the first chunk: it
				// sends the second one again, asks for the upload's status, and goes on;
				// with the third it gives up.
				for _, chunks := range []int{2, 3} {
					before := w.registry.Trace().Count("UploadLayerPart")
					layer := bytes.Repeat([]byte{byte(chunks)}, chunks*minPart-1)
					put, err := client.BlobPut(ctx, w.ref(t, app), descriptor.Descriptor{}, io.MultiReader(bytes.NewReader(layer)))
					sent := w.registry.Trace().Count("UploadLayerPart") - before
					if mode == "ECR" && chunks == 3 {
						require.ErrorContains(t, err, "chunkStart")
						continue
					}
					require.NoError(t, err)
					require.Equal(t, digestOf(layer), put.Digest.String())
					if mode == "ECR" {
						require.Equal(t, chunks+1, sent)
					} else {
						require.Equal(t, chunks, sent)
					}
				}

				require.NoError(t, client.ImageCopy(ctx, w.ref(t, "base:v1"), w.ref(t, app+":v1")))
				head, err := client.ManifestHead(ctx, w.ref(t, app+":v1"))
				require.NoError(t, err)
				require.Equal(t, image.Digest(), head.GetDescriptor().Digest.String())
				blob, err := client.BlobGet(ctx, w.ref(t, app), descriptor.Descriptor{Digest: head.GetDescriptor().Digest.Algorithm().FromBytes(image.Blobs[1])})
				require.NoError(t, err)
				read, err := io.ReadAll(blob)
				require.NoError(t, err)
				require.True(t, bytes.Equal(image.Blobs[1], read))
				require.NoError(t, blob.Close())

				w.registry.MustPush(app, fakeecr.Referrer(image, "application/spdx+json", []byte("sbom")))
				about, err := client.ReferrerList(ctx, w.ref(t, app+":v1"), scheme.WithReferrerMatchOpt(descriptor.MatchOpt{ArtifactType: "application/spdx+json"}))
				require.NoError(t, err)
				require.Len(t, about.Descriptors, 1)

				w.registry.MustPush(app+":v2", image)
				tags, err := client.TagList(ctx, w.ref(t, app))
				require.NoError(t, err)
				require.ElementsMatch(t, []string{"v1", "v2"}, tags.Tags)
				names, err := client.RepoList(ctx, w.host)
				require.NoError(t, err)
				require.Equal(t, []string{"base", app}, names.Repositories)
				require.NoError(t, client.TagDelete(ctx, w.ref(t, app+":v2")))
				require.NoError(t, client.ManifestDelete(ctx, w.ref(t, app).SetDigest(image.Digest())))
				_, err = client.ManifestHead(ctx, w.ref(t, app+":v1"))
				require.ErrorIs(t, err, errs.ErrNotFound)
			}, options...)
		})
	}
}

func TestRegclientRefused(t *testing.T) {
	onAllWires(t, func(t *testing.T, w wire) {
		ctx, client := t.Context(), w.regclient()
		w.registry.MustPush("base:v1", fakeecr.RandomImage(1, 100))
		w.registry.MustPush("base:v2", fakeecr.RandomImage(2, 100))
		require.ErrorContains(t, client.ImageCopy(ctx, w.ref(t, "base:v1"), w.ref(t, app+":v1")), appNotFound)
		create(t, w.registry, app, immutable)
		require.NoError(t, client.ImageCopy(ctx, w.ref(t, "base:v1"), w.ref(t, app+":v1")))
		err := client.ImageCopy(ctx, w.ref(t, "base:v2"), w.ref(t, app+":v1"))
		require.ErrorContains(t, err, tagIsThere)

		w.password = "secret"
		_, err = w.regclient().ManifestHead(ctx, w.ref(t, app+":v1"))
		require.True(t, errors.Is(err, errs.ErrHTTPUnauthorized), "%v", err)
	})
}
