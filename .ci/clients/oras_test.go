package clients

import (
	"fmt"
	"net/http"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/fakeecr/ecr/fakeecr"
)

// oras is oras-go at a repository of a world.
func (w wire) oras(t *testing.T, repository string) *remote.Repository {
	t.Helper()
	found, err := remote.NewRepository(w.host + "/" + repository)
	require.NoError(t, err)
	found.PlainHTTP = w.plain
	found.Client = &auth.Client{
		Client:     &http.Client{Transport: w.way},
		Credential: auth.StaticCredential(w.host, auth.Credential{Username: "AWS", Password: w.password}),
	}
	return found
}

func TestORAS(t *testing.T) {
	for mode, options := range modes {
		t.Run(mode, func(t *testing.T) {
			onAllWires(t, func(t *testing.T, w wire) {
				create(t, w.registry, app)
				ctx, there := t.Context(), w.oras(t, app)

				// An artifact goes in, and comes out as it was.
				here := memory.New()
				file, err := oras.PushBytes(ctx, here, "text/plain", []byte("hello"))
				require.NoError(t, err)
				artifact, err := oras.PackManifest(ctx, here, oras.PackManifestVersion1_1, "application/vnd.example", oras.PackManifestOptions{Layers: []ocispec.Descriptor{file}})
				require.NoError(t, err)
				require.NoError(t, here.Tag(ctx, artifact, "v1"))
				pushed, err := oras.Copy(ctx, here, "v1", there, "v1", oras.DefaultCopyOptions)
				require.NoError(t, err)
				require.Equal(t, artifact.Digest, pushed.Digest)
				back := memory.New()
				pulled, err := oras.Copy(ctx, there, "v1", back, "v1", oras.DefaultCopyOptions)
				require.NoError(t, err)
				require.Equal(t, artifact.Digest, pulled.Digest)
				text, err := content.FetchAll(ctx, back, file)
				require.NoError(t, err)
				require.Equal(t, "hello", string(text))

				// A signature is found by its subject, not by a tag in the place of referrers.
				signature, err := oras.PackManifest(ctx, there, oras.PackManifestVersion1_1, "application/vnd.example.signature",
					oras.PackManifestOptions{Subject: &artifact, Layers: []ocispec.Descriptor{file}})
				require.NoError(t, err)
				var found []string
				require.NoError(t, there.Referrers(ctx, artifact, "application/vnd.example.signature", func(referrers []ocispec.Descriptor) error {
					for _, r := range referrers {
						found = append(found, string(r.Digest))
					}
					return nil
				}))
				require.Equal(t, []string{string(signature.Digest)}, found)
				require.NoError(t, there.Tag(ctx, artifact, "v2"))
				var tags []string
				require.NoError(t, there.Tags(ctx, "", func(page []string) error { tags = append(tags, page...); return nil }))
				require.ElementsMatch(t, []string{"v1", "v2"}, tags)
				require.Equal(t, "application/vnd.example", *imageDetails(t, w.registry, app)[string(artifact.Digest)].ArtifactMediaType)

				// It goes on to another repository with all about it, and is deleted here.
				create(t, w.registry, "team/other")
				_, err = oras.ExtendedCopy(ctx, there, "v1", w.oras(t, "team/other"), "", oras.DefaultExtendedCopyOptions)
				require.NoError(t, err)
				require.Len(t, imageDetails(t, w.registry, "team/other"), 2)
				require.NoError(t, there.Delete(ctx, artifact))
				_, err = there.Resolve(ctx, "v1")
				require.ErrorIs(t, err, errdef.ErrNotFound)
			}, options...)
		})
	}
}

func TestORASRefused(t *testing.T) {
	onAllWires(t, func(t *testing.T, w wire) {
		ctx := t.Context()
		_, err := oras.PushBytes(ctx, w.oras(t, app), "text/plain", []byte("hello"))
		var refused *errcode.ErrorResponse
		require.ErrorAs(t, err, &refused)
		require.Equal(t, fmt.Sprint(404, errcode.ErrorCodeNameUnknown, appNotFound), fmt.Sprint(refused.StatusCode, refused.Errors[0].Code, refused.Errors[0].Message))

		w.registry.MustPush(app+":v1", fakeecr.RandomImage(1, 10))
		w.password = "secret"
		_, err = w.oras(t, app).Resolve(ctx, "v1")
		require.ErrorAs(t, err, &refused)
		require.Equal(t, 401, refused.StatusCode)
	})
}
