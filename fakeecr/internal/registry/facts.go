package registry

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Fact is one thing that a world holds: what it is, under a name, and its value.
type Fact struct {
	Registry Place
	// Repository is "" for what the registry itself has.
	Repository string
	Kind       FactKind
	Name       string
	Value      string
}

// FactKind is what a fact is about.
type FactKind int

// The kinds of facts.
const (
	// SettingFact is a setting, a rule or a policy.
	SettingFact FactKind = iota
	// RepositoryFact is that there is a repository.
	RepositoryFact
	// ImageFact is an image by its digest, with its status; TagFact is a tag with its
	// digest, and ImageStateFact what else an image has, "DIGEST NAME".
	// In place of a signature's digest is what it signs: "signature-1-of-DIGEST".
	ImageFact
	TagFact
	ImageStateFact
	// LayerFact is a layer by its digest, with its size in bytes.
	LayerFact
	// UploadFact is an open upload, counted from 1, with the bytes received.
	UploadFact
)

// Facts are what a world holds now, without times, ids and pulls.
func (w *World) Facts() []Fact {
	tx := w.NewTx(Place{}, "")
	var f facts
	for _, reg := range tx.read().registries.All() {
		f.of(reg)
	}
	return f.all
}

type facts struct {
	all        []Fact
	registry   Place
	repository string
}

// add adds a fact unless it says nothing.
func (f *facts) add(kind FactKind, name, value string) {
	if value != "" {
		f.all = append(f.all, Fact{f.registry, f.repository, kind, name, value})
	}
}

func (f *facts) set(name, value string) { f.add(SettingFact, name, value) }

func (f *facts) of(reg *registryState) {
	f.registry, f.repository = reg.Place, ""
	f.set("policy", reg.policy.String())
	for name, value := range reg.accountSettings.All() {
		f.set("account setting "+name, value)
	}
	for i, rule := range reg.replication {
		f.set(fmt.Sprintf("replication rule %d", i+1), rule.words())
	}
	f.set("scanning", reg.scanning.words())
	for i, rule := range reg.signing {
		f.set(fmt.Sprintf("signing rule %d", i+1), strings.Join(append([]string{rule.profile}, rule.filters...), " "))
	}
	for _, rule := range reg.cacheRules.All() {
		f.set("pull-through cache rule "+rule.prefix, words(rule.url, aws.ToString(rule.upstreamPrefix), aws.ToString(rule.credential), aws.ToString(rule.role)))
	}
	for _, t := range reg.templates.All() {
		f.set("template "+t.prefix, t.words())
	}
	for principal := range reg.exclusions.All() {
		f.set("pull time exclusion "+principal, "registered")
	}
	for _, repo := range reg.repositories.All() {
		f.repository = repo.name
		f.in(repo)
	}
}

func (f *facts) in(repo *repository) {
	f.add(RepositoryFact, "", "there")
	f.set("tag mutability", repo.mutability.words())
	f.set("encryption", words(string(repo.encryption.kind), repo.encryption.key))
	f.set("scan on push", strconv.FormatBool(repo.scanOnPush))
	f.set("policy", repo.policy.String())
	if repo.lifecycle != nil {
		f.set("lifecycle policy", repo.lifecycle.text)
	}
	for key, value := range repo.resourceTags.All() {
		f.set("resource tag "+key, strconv.Quote(value))
	}
	names := repo.signatures()
	name := func(digest string) string { return cmp.Or(names[digest], digest) }
	for digest, img := range repo.images.All() {
		digest = name(digest)
		f.add(ImageFact, digest, string(img.status()))
		if img.scan != nil {
			f.add(ImageStateFact, digest+" scan", img.scan.words())
		}
		for _, r := range img.replicas {
			f.add(ImageStateFact, digest+" replica in "+r.Place.String(), words(string(r.status), r.failure))
		}
		for _, s := range img.signings {
			f.add(ImageStateFact, fmt.Sprintf("%s signature %d", digest, s.rule), string(s.status))
		}
	}
	for tag, digest := range repo.tagged.All() {
		f.add(TagFact, tag, name(digest))
	}
	for digest, l := range repo.layers.All() {
		f.add(LayerFact, name(digest), strconv.FormatInt(l.size, 10))
	}
	var sizes []int64
	for _, u := range repo.uploads.All() {
		sizes = append(sizes, u.size)
	}
	slices.Sort(sizes)
	for i, size := range sizes {
		f.add(UploadFact, strconv.Itoa(i+1), strconv.FormatInt(size, 10))
	}
}

// emptyContent is the config of an image that has none, {}.
const emptyContent = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

// signatures are the names of signatures and of their layers by digest: by what they
// sign, because no two digests are equal where the time is in what is signed.
func (r *repository) signatures() map[string]string {
	names, counts := map[string]string{}, map[string]int{}
	for digest, img := range r.images.All() {
		if img.artifactType != signatureType || img.subject == "" {
			continue
		}
		counts[img.subject]++
		names[digest] = fmt.Sprintf("signature-%d-of-%s", counts[img.subject], img.subject)
		for i, layer := range img.layers {
			if layer != emptyContent {
				names[layer] = fmt.Sprintf("layer-%d-of-%s", i, names[digest])
			}
		}
	}
	return names
}

// words are those that are not empty.
func words(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(word string) bool { return word == "" }), " ")
}

func (m mutability) words() string { return words(append([]string{string(m.mode)}, m.filters...)...) }

func (r *replicationRule) words() string {
	var all []string
	for _, to := range r.destinations {
		all = append(all, "to "+to.String())
	}
	for _, prefix := range r.prefixes {
		all = append(all, "of "+prefix)
	}
	if r.deletes != nil && *r.deletes {
		all = append(all, "with deletions")
	}
	return strings.Join(all, " ")
}

// words of scanning are "" for what a registry begins with.
func (s *scanning) words() string {
	if !s.enhanced() && len(s.rules) == 0 {
		return ""
	}
	all := []string{string(s.kind())}
	for _, rule := range s.rules {
		all = append(all, string(rule.frequency)+" "+strings.Join(rule.filters, " "))
	}
	return strings.Join(all, ", ")
}

func (s *scan) words() string {
	if s.completedAt.IsZero() {
		return "in progress"
	}
	return "complete"
}

// words of a template are its settings as JSON.
func (t *template) words() string {
	tags := map[string]string{}
	for _, tag := range t.tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	text, err := json.Marshal(map[string]any{
		"appliedFor": t.appliedFor, "description": t.description, "tagMutability": t.mutability.words(),
		"encryption": words(string(t.encryption.kind), t.encryption.key), "tags": tags,
		"policy": t.policy.String(), "lifecyclePolicy": t.lifecycle, "role": t.role,
	})
	if err != nil {
		return err.Error()
	}
	return string(text)
}
