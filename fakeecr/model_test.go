package fakeecr_test

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// What random calls are about.
var (
	modelRepositories = []string{"app", "other"}
	modelTags         = []string{"v1", "v2", "latest"}
	imageA, imageB    = faces.ImageOf([]byte("{}"), []byte("layer a")), faces.ImageOf([]byte("{}"), []byte("layer b"))
	modelImages       = []fakeecr.Image{imageA, imageB, faces.IndexOf(imageA, imageB), faces.IndexOf(faces.IndexOf(imageA, imageB)), faces.IndexOf(imageB)}
	modelLayers       = []string{"{}", "layer a", "layer b"}
)

// model is what a registry should be, in plain maps.
type model struct {
	repositories map[string]*modelRepository
}

type modelRepository struct {
	immutable bool
	images    map[string]modelImage // by digest
	tags      map[string]string     // to a digest
	layers    map[string]bool
	uploads   map[string]*modelUpload
}

// modelImage is pushed when it is first seen to be.
type modelImage struct {
	fakeecr.Image
	pushedAt time.Time
}

type modelUpload struct {
	content string
	begun   time.Time
}

func (m *model) clone() *model {
	same := &model{maps.Clone(m.repositories)}
	for name, repo := range m.repositories {
		own := &modelRepository{repo.immutable, maps.Clone(repo.images), maps.Clone(repo.tags), maps.Clone(repo.layers), map[string]*modelUpload{}}
		for id, upload := range repo.uploads {
			own.uploads[id] = &modelUpload{upload.content, upload.begun}
		}
		same.repositories[name] = own
	}
	return same
}

func (r *modelRepository) tagsOf(digest string) []string {
	var tags []string
	for tag, of := range r.tags {
		if of == digest {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}

// parents is the indexes that hold an image.
func (r *modelRepository) parents(digest string) (indexes []string) {
	for index, image := range r.images {
		if slices.ContainsFunc(image.Images, func(child fakeecr.Image) bool { return child.Digest() == digest }) {
			indexes = append(indexes, index)
		}
	}
	return indexes
}

// reach answers the exception that GetDownloadUrlForLayer should, or "".
func (r *modelRepository) reach(layer string) string {
	for _, image := range r.images {
		if slices.ContainsFunc(image.Blobs, func(blob []byte) bool { return string(blob) == layer }) {
			return ""
		}
	}
	if r.layers[layer] {
		return "LayerInaccessibleException"
	}
	return "LayersNotFoundException"
}

// ids is what ListImages should answer.
func (r *modelRepository) ids() []string {
	ids := []string{}
	for digest := range r.images {
		tags := r.tagsOf(digest)
		for _, tag := range tags {
			ids = append(ids, digest+"@"+tag)
		}
		if len(tags) == 0 {
			ids = append(ids, digest)
		}
	}
	slices.Sort(ids)
	return ids
}

// put answers the exception that PutImage should, or "".
func (r *modelRepository) put(image fakeecr.Image, tag *string) string {
	digest := image.Digest()
	_, there := r.images[digest]
	switch {
	case there && (tag == nil || r.tags[*tag] == digest):
		return "ImageAlreadyExistsException"
	case !there && slices.ContainsFunc(image.Blobs, func(blob []byte) bool { return !r.layers[string(blob)] }):
		return "LayersNotFoundException"
	case !there && slices.ContainsFunc(image.Images, func(child fakeecr.Image) bool { return r.images[child.Digest()].Manifest == nil }):
		return "ReferencedImagesNotFoundException"
	case tag != nil && r.tags[*tag] != "" && r.immutable:
		return "ImageTagAlreadyExistsException"
	}
	if !there {
		r.images[digest] = modelImage{Image: image}
	}
	if tag != nil {
		r.tags[*tag] = digest
	}
	return ""
}

// find is the digest that an id stands for, or a failure.
func (r *modelRepository) find(id types.ImageIdentifier) (digest string, failure types.ImageFailureCode) {
	digest = aws.ToString(id.ImageDigest)
	if id.ImageTag != nil {
		holder, found := r.tags[*id.ImageTag]
		switch {
		case !found:
			return "", types.ImageFailureCodeImageNotFound
		case digest != "" && digest != holder:
			return "", types.ImageFailureCodeImageTagDoesNotMatchDigest
		}
		return holder, ""
	}
	if _, found := r.images[digest]; !found {
		return "", types.ImageFailureCodeImageNotFound
	}
	return digest, ""
}

// remove deletes what ids stand for; all are read as of the beginning.
func (r *modelRepository) remove(ids []types.ImageIdentifier) (removed []string, failures []types.ImageFailureCode) {
	before := (&model{map[string]*modelRepository{"": r}}).clone().repositories[""]
	for _, id := range ids {
		digest, failure := before.find(id)
		left := r.tagsOf(digest)
		last := id.ImageTag == nil || len(left) == 1 && left[0] == *id.ImageTag
		if _, there := r.images[digest]; failure == "" && there && last && len(before.parents(digest)) > 0 {
			failure = types.ImageFailureCodeImageReferencedByManifestList
		}
		switch {
		case failure != "":
			failures = append(failures, failure)
			continue
		case id.ImageTag != nil:
			removed = append(removed, digest+"@"+*id.ImageTag)
			delete(r.tags, *id.ImageTag)
		default:
			for _, tag := range before.tagsOf(digest) {
				removed = append(removed, digest+"@"+tag)
				delete(r.tags, tag)
			}
			if len(before.tagsOf(digest)) == 0 {
				removed = append(removed, digest)
			}
		}
		if last {
			delete(r.images, digest)
		}
	}
	slices.Sort(removed)
	return slices.Compact(removed), failures
}
