package fakeecr

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// Snapshot is a world as data: what all of its registries hold, without times, ids
// and pulls, so that two worlds in which the same was done are equal. A signature of the
// Notary Project has a time in it, and so stands by what it signs in place of its digest:
// "signature-1-of-sha256:…", and its layer by "layer-1-of-signature-1-of-sha256:…". It is
// JSON and back.
type Snapshot struct {
	// Registries are those that something was ever put in, by ACCOUNT/REGION.
	Registries map[string]RegistrySnapshot `json:"registries"`
}

// RegistrySnapshot is what one registry holds.
type RegistrySnapshot struct {
	// Settings are its policy, rules and settings, by what they are, as text.
	Settings     map[string]string             `json:"settings,omitempty"`
	Repositories map[string]RepositorySnapshot `json:"repositories,omitempty"`
}

// RepositorySnapshot is what one repository holds.
type RepositorySnapshot struct {
	// Settings are its policies, resource tags and settings, by what they are.
	Settings map[string]string `json:"settings,omitempty"`
	// Images are the images by digest, Tags the digests by tag.
	Images map[string]ImageSnapshot `json:"images,omitempty"`
	Tags   map[string]string        `json:"tags,omitempty"`
	// Layers are the sizes in bytes by digest, also of those that no image refers to.
	Layers map[string]int64 `json:"layers,omitempty"`
	// Uploads are the bytes received of each upload that is open, least first.
	Uploads []int64 `json:"uploads,omitempty"`
}

// ImageSnapshot is an image.
type ImageSnapshot struct {
	// Status is ACTIVE, ARCHIVED or ACTIVATING.
	Status string `json:"status"`
	// State is what became of its scan, its replicas and its signatures, by what they
	// are.
	State map[string]string `json:"state,omitempty"`
}

// Snapshot is the registry's world as it is now, all accounts and regions of it. Rules
// do not meet it and the trace does not show it. That a function changed nothing is
//
//	before := registry.Snapshot()
//	…
//	require.Empty(t, before.Diff(registry.Snapshot()))
func (r *Registry) Snapshot() Snapshot {
	s := Snapshot{Registries: map[string]RegistrySnapshot{}}
	for _, fact := range instanceOf(r).stage.World.Facts() {
		s.learn(fact)
	}
	return s
}

// put puts into a map that may not be there yet.
func put[V any](in *map[string]V, name string, value V) {
	if *in == nil {
		*in = map[string]V{}
	}
	(*in)[name] = value
}

func (s *Snapshot) learn(fact registry.Fact) {
	reg := s.Registries[fact.Registry.String()]
	if fact.Repository == "" {
		put(&reg.Settings, fact.Name, fact.Value)
	} else {
		repo := reg.Repositories[fact.Repository]
		repo.learn(fact)
		put(&reg.Repositories, fact.Repository, repo)
	}
	s.Registries[fact.Registry.String()] = reg
}

func (r *RepositorySnapshot) learn(fact registry.Fact) {
	size, _ := strconv.ParseInt(fact.Value, 10, 64) // where it is one
	switch fact.Kind {
	case registry.SettingFact:
		put(&r.Settings, fact.Name, fact.Value)
	case registry.ImageFact:
		put(&r.Images, fact.Name, ImageSnapshot{Status: fact.Value})
	case registry.ImageStateFact:
		digest, name, _ := strings.Cut(fact.Name, " ")
		img := r.Images[digest]
		put(&img.State, name, fact.Value)
		put(&r.Images, digest, img)
	case registry.TagFact:
		put(&r.Tags, fact.Name, fact.Value)
	case registry.LayerFact:
		put(&r.Layers, fact.Name, size)
	case registry.UploadFact:
		r.Uploads = append(r.Uploads, size)
	}
}

// Difference is one thing that two worlds do not have in common.
type Difference struct {
	// Registry is ACCOUNT/REGION, and Repository "" for what the registry itself has.
	Registry   string `json:"registry"`
	Repository string `json:"repository,omitempty"`
	// What it is: "tag v1", "image sha256:…", "policy".
	What string `json:"what"`
	// Was and Is are its value in the one world and in the other, "" where it is not.
	Was string `json:"was,omitempty"`
	Is  string `json:"is,omitempty"`
}

var longDigest = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)

// String is the difference for people, with digests cut short:
//
//	123456789012/us-east-1 team/app: tag v1 → sha256:0123456789ab…, was sha256:ba9876543210…
func (d Difference) String() string {
	words := d.Registry
	if d.Repository != "" {
		words += " " + d.Repository
	}
	words += ": " + d.What
	switch {
	case d.Is == "":
		words += " is gone, was " + d.Was
	case d.Was == "":
		words += " → " + d.Is + ", was not there"
	default:
		words += " → " + d.Is + ", was " + d.Was
	}
	return longDigest.ReplaceAllString(words, "$1…")
}

// Diff is how other differs from s: what has changed since s was taken, if other was
// taken later. It is empty for worlds in which there is the same.
func (s Snapshot) Diff(other Snapshot) []Difference {
	was, is := s.flat(), other.flat()
	var all []Difference
	for at, value := range was {
		if is[at] != value {
			all = append(all, Difference{at.registry, at.repository, at.what, value, is[at]})
		}
	}
	for at, value := range is {
		if _, both := was[at]; !both {
			all = append(all, Difference{at.registry, at.repository, at.what, "", value})
		}
	}
	slices.SortFunc(all, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Registry, b.Registry), cmp.Compare(a.Repository, b.Repository), cmp.Compare(rank(a.What), rank(b.What)), cmp.Compare(a.What, b.What))
	})
	return all
}

// repositoryItself is a repository among the things that a repository has.
const repositoryItself = "repository"

// rank has a repository come before what goes or comes with it.
func rank(what string) int {
	if what == repositoryItself {
		return 0
	}
	return 1
}

// subject is where in a snapshot something is.
type subject struct{ registry, repository, what string }

// flat is all that the snapshot has, by where it is.
func (s Snapshot) flat() map[subject]string {
	all := map[subject]string{}
	for name, reg := range s.Registries {
		for what, value := range reg.Settings {
			all[subject{name, "", what}] = value
		}
		for repository, repo := range reg.Repositories {
			add := func(what, value string) { all[subject{name, repository, what}] = value }
			add(repositoryItself, "there")
			repo.flat(add)
		}
	}
	return all
}

func (r RepositorySnapshot) flat(add func(what, value string)) {
	for what, value := range r.Settings {
		add(what, value)
	}
	for digest, img := range r.Images {
		add("image "+digest, img.Status)
		for what, value := range img.State {
			add("image "+digest+" "+what, value)
		}
	}
	for tag, digest := range r.Tags {
		add("tag "+tag, digest)
	}
	for digest, size := range r.Layers {
		add("layer "+digest, strconv.FormatInt(size, 10)+" bytes")
	}
	sizes := map[int64]int{}
	for _, size := range r.Uploads {
		sizes[size]++
	}
	for size, n := range sizes {
		add("open uploads of "+strconv.FormatInt(size, 10)+" bytes", strconv.Itoa(n))
	}
}
