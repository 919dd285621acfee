package fakeecr_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// machine makes the same calls to a registry and to its model.
type machine struct {
	model    *model
	registry *fakeecr.Registry
	// forked are the worlds that a fork left behind, as they should stay.
	forked []machine
}

func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":             m.check,
		"create":       m.create,
		"delete":       m.delete,
		"begin":        m.begin,
		"part":         m.part,
		"end":          m.end,
		"layers":       m.layers,
		"put":          m.put,
		"put one more": m.put,
		"and another":  m.put,
		"remove":       m.remove,
		"get":          m.get,
		"advance":      m.advance,
		"fork":         m.fork,
	}
}

func TestRegistryIsAsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{&model{map[string]*modelRepository{}}, fakeecr.New(nil, fakeecr.WithSeed(1)), nil}
		m.create(t)
		m.layers(t)
		t.Repeat(m.actions())
		for _, left := range m.forked {
			left.check(t)
		}
	})
}

// requireModelled holds that a call was refused with an exception, or not with "".
func requireModelled(t require.TestingT, code string, err error) {
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	}
	require.Equal(t, code, got, "%v", err)
}

// repository chooses a repository; where the model has none of that name, the
// call has to be refused.
func (m *machine) repository(t *rapid.T, call func(name *string) error) (*string, *modelRepository) {
	name := rapid.SampledFrom(modelRepositories).Draw(t, "repository")
	repo, found := m.model.repositories[name]
	if !found {
		requireModelled(t, "RepositoryNotFoundException", call(&name))
		return nil, nil
	}
	return &name, repo
}

func (m *machine) create(t *rapid.T) {
	name, immutable := rapid.SampledFrom(modelRepositories).Draw(t, "repository"), rapid.Bool().Draw(t, "immutable")
	in := &ecr.CreateRepositoryInput{RepositoryName: &name, ImageTagMutability: types.ImageTagMutabilityMutable}
	if immutable {
		in.ImageTagMutability = types.ImageTagMutabilityImmutable
	}
	_, err := m.registry.CreateRepository(context.Background(), in)
	if m.model.repositories[name] != nil {
		requireModelled(t, "RepositoryAlreadyExistsException", err)
		return
	}
	require.NoError(t, err)
	m.model.repositories[name] = &modelRepository{immutable, map[string]modelImage{}, map[string]string{}, map[string]bool{}, map[string]*modelUpload{}}
}

func (m *machine) delete(t *rapid.T) {
	force := rapid.IntRange(0, 9).Draw(t, "force") == 0
	call := func(name *string) error {
		_, err := m.registry.DeleteRepository(context.Background(), &ecr.DeleteRepositoryInput{RepositoryName: name, Force: force})
		return err
	}
	name, repo := m.repository(t, call)
	switch {
	case repo == nil:
	case len(repo.images) > 0 && !force:
		requireModelled(t, "RepositoryNotEmptyException", call(name))
	default:
		require.NoError(t, call(name))
		delete(m.model.repositories, *name)
	}
}

func (m *machine) begin(t *rapid.T) {
	var out *ecr.InitiateLayerUploadOutput
	call := func(name *string) (err error) {
		out, err = m.registry.InitiateLayerUpload(context.Background(), &ecr.InitiateLayerUploadInput{RepositoryName: name})
		return err
	}
	if name, repo := m.repository(t, call); repo != nil {
		require.NoError(t, call(name))
		repo.uploads[*out.UploadId] = &modelUpload{begun: m.registry.Now()}
	}
}

// upload chooses an upload of any repository.
func (m *machine) upload(t *rapid.T) string {
	ids := []string{"01234567-89ab-4cde-8f01-23456789abcd"}
	for _, name := range slices.Sorted(maps.Keys(m.model.repositories)) {
		ids = slices.AppendSeq(ids, maps.Keys(m.model.repositories[name].uploads))
	}
	slices.Sort(ids)
	return rapid.SampledFrom(ids).Draw(t, "upload")
}

func (m *machine) part(t *rapid.T) {
	id, first := m.upload(t), rapid.Int64Range(0, 3).Draw(t, "first")
	content := rapid.SampledFrom(modelLayers).Draw(t, "content")
	call := func(name *string) error {
		_, err := m.registry.UploadLayerPart(context.Background(), &ecr.UploadLayerPartInput{
			RepositoryName: name, UploadId: &id, LayerPartBlob: []byte(content), PartFirstByte: &first, PartLastByte: aws.Int64(first + int64(len(content)) - 1),
		})
		return err
	}
	name, repo := m.repository(t, call)
	switch {
	case repo == nil:
	case repo.uploads[id] == nil:
		requireModelled(t, "UploadNotFoundException", call(name))
	case first != int64(len(repo.uploads[id].content)):
		requireModelled(t, "InvalidLayerPartException", call(name))
	default:
		require.NoError(t, call(name))
		repo.uploads[id].content += content
	}
}

func (m *machine) end(t *rapid.T) {
	id, layer := m.upload(t), rapid.SampledFrom(modelLayers).Draw(t, "layer")
	call := func(name *string) error {
		_, err := m.registry.CompleteLayerUpload(context.Background(), &ecr.CompleteLayerUploadInput{
			RepositoryName: name, UploadId: &id, LayerDigests: []string{faces.DigestOf([]byte(layer))},
		})
		return err
	}
	name, repo := m.repository(t, call)
	switch {
	case repo == nil:
	case repo.uploads[id] == nil:
		requireModelled(t, "UploadNotFoundException", call(name))
	case repo.uploads[id].content == "":
		requireModelled(t, "EmptyUploadException", call(name))
	case !slices.Contains(modelLayers, repo.uploads[id].content):
		requireModelled(t, "LayerPartTooSmallException", call(name))
	case repo.uploads[id].content != layer:
		requireModelled(t, "InvalidLayerException", call(name))
	default:
		want := ""
		if repo.layers[layer] {
			want = "LayerAlreadyExistsException"
		}
		requireModelled(t, want, call(name))
		repo.layers[layer] = true
		delete(repo.uploads, id)
	}
}

// layers uploads what images need, so that there are images at all.
func (m *machine) layers(t *rapid.T) {
	name, repo := m.repository(t, func(name *string) error {
		_, err := m.registry.ListImages(context.Background(), &ecr.ListImagesInput{RepositoryName: name})
		return err
	})
	if repo == nil {
		return
	}
	for _, layer := range modelLayers {
		if !repo.layers[layer] {
			m.registry.MustPush(*name, faces.ImageOf([]byte(layer), []byte(layer)))
			_, err := m.registry.BatchDeleteImage(context.Background(), &ecr.BatchDeleteImageInput{RepositoryName: name,
				ImageIds: []types.ImageIdentifier{faces.ByDigest(faces.ImageOf([]byte(layer), []byte(layer)).Digest())}})
			require.NoError(t, err)
			repo.layers[layer] = true
		}
	}
}

func (m *machine) put(t *rapid.T) {
	image, tag := rapid.SampledFrom(modelImages).Draw(t, "image"), rapid.SampledFrom(append(modelTags, "")).Draw(t, "tag")
	in := &ecr.PutImageInput{ImageManifest: aws.String(string(image.Manifest))}
	if tag != "" {
		in.ImageTag = &tag
	}
	call := func(name *string) error {
		in.RepositoryName = name
		_, err := m.registry.PutImage(context.Background(), in)
		return err
	}
	if name, repo := m.repository(t, call); repo != nil {
		err := call(name)
		requireModelled(t, repo.put(image, in.ImageTag), err)
	}
}

func drawIDs(t *rapid.T) []types.ImageIdentifier {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) types.ImageIdentifier {
		var id types.ImageIdentifier
		kind := rapid.IntRange(0, 3).Draw(t, "kind")
		if kind != 0 {
			id.ImageTag = aws.String(rapid.SampledFrom(modelTags).Draw(t, "tag"))
		}
		if kind < 2 {
			id.ImageDigest = aws.String(rapid.SampledFrom(modelImages).Draw(t, "image").Digest())
		}
		return id
	}), 1, 4).Draw(t, "ids")
}

func (m *machine) remove(t *rapid.T) {
	ids := drawIDs(t)
	var out *ecr.BatchDeleteImageOutput
	call := func(name *string) (err error) {
		out, err = m.registry.BatchDeleteImage(context.Background(), &ecr.BatchDeleteImageInput{RepositoryName: name, ImageIds: ids})
		return err
	}
	if name, repo := m.repository(t, call); repo != nil {
		require.NoError(t, call(name))
		removed, failures := repo.remove(ids)
		require.ElementsMatch(t, removed, faces.Joined(out.ImageIds))
		require.Equal(t, failures, codes(out.Failures))
	}
}

func codes(failures []types.ImageFailure) (codes []types.ImageFailureCode) {
	for _, failure := range failures {
		codes = append(codes, failure.FailureCode)
	}
	return codes
}

func (m *machine) get(t *rapid.T) {
	ids := drawIDs(t)
	var out *ecr.BatchGetImageOutput
	call := func(name *string) (err error) {
		out, err = m.registry.BatchGetImage(context.Background(), &ecr.BatchGetImageInput{RepositoryName: name, ImageIds: ids})
		return err
	}
	name, repo := m.repository(t, call)
	if repo == nil {
		return
	}
	require.NoError(t, call(name))
	var want []string
	var failures []types.ImageFailureCode
	for _, id := range ids {
		digest, failure := repo.find(id)
		switch tags := repo.tagsOf(digest); {
		case failure != "":
			failures = append(failures, failure)
		case id.ImageTag != nil:
			want = append(want, digest+"@"+*id.ImageTag)
		case len(tags) == 0:
			want = append(want, digest)
		default:
			want = append(want, digest+"@"+strings.Join(tags, " "+digest+"@"))
		}
	}
	var got []string
	for _, image := range out.Images {
		got = append(got, faces.Joined([]types.ImageIdentifier{*image.ImageId})...)
		require.Equal(t, string(repo.images[*image.ImageId.ImageDigest].Manifest), *image.ImageManifest)
	}
	require.Equal(t, strings.Join(want, " "), strings.Join(got, " "))
	require.Equal(t, failures, codes(out.Failures))
}

func (m *machine) advance(t *rapid.T) {
	m.registry.Advance(time.Duration(rapid.IntRange(1, 20).Draw(t, "hours")) * time.Hour)
	for _, repo := range m.model.repositories {
		maps.DeleteFunc(repo.uploads, func(_ string, upload *modelUpload) bool { return m.registry.Now().Sub(upload.begun) >= 24*time.Hour })
	}
}

// fork goes on in a fork, and leaves the original as it is.
func (m *machine) fork(t *rapid.T) {
	m.forked = append(m.forked, machine{m.model.clone(), m.registry, nil})
	m.registry = m.registry.Fork(nil)
}

// check holds that the registry is as its model.
func (m *machine) check(t *rapid.T) {
	ctx := context.Background()
	described, err := m.registry.DescribeRepositories(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(m.model.repositories)))), faces.RepositoryNames(described.Repositories))
	size := aws.Int32(rapid.Int32Range(1, 4).Draw(t, "page"))
	for name, repo := range m.model.repositories {
		ids := []string{}
		for pages := ecr.NewListImagesPaginator(m.registry, &ecr.ListImagesInput{RepositoryName: &name, MaxResults: size}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			require.NoError(t, err)
			ids = append(ids, faces.Joined(page.ImageIds)...)
		}
		require.Equal(t, repo.ids(), ids)

		images, err := m.registry.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &name})
		require.NoError(t, err)
		require.Len(t, images.ImageDetails, len(repo.images))
		for _, detail := range images.ImageDetails {
			require.Equal(t, repo.tagsOf(*detail.ImageDigest), detail.ImageTags)
			image := repo.images[*detail.ImageDigest]
			if image.pushedAt.IsZero() {
				image.pushedAt = *detail.ImagePushedAt
				repo.images[*detail.ImageDigest] = image
			}
			require.Equal(t, image.pushedAt, *detail.ImagePushedAt)
		}
		for _, layer := range modelLayers {
			checked, err := m.registry.BatchCheckLayerAvailability(ctx, &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: &name, LayerDigests: []string{faces.DigestOf([]byte(layer))}})
			require.NoError(t, err)
			require.Equal(t, repo.layers[layer], checked.Layers[0].LayerAvailability == types.LayerAvailabilityAvailable)
			_, err = m.registry.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{RepositoryName: &name, LayerDigest: checked.Layers[0].LayerDigest})
			requireModelled(t, repo.reach(layer), err)
		}
	}
}
