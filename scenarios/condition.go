package scenarios

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Condition narrows a rule, or the calls of a trace ([Trace.Where]), to some
// calls.
type Condition struct {
	// kind and value are the condition in words; kind is empty for one by a
	// function.
	kind, value string
	// words are what the call has of what the condition is about, nil for one that is
	// no pattern.
	words func(*Call) []string
	// input is the operation whose input a function looks at.
	input   string
	matches func(*Call) bool
	mistake error
}

// String is the condition in words.
func (c Condition) String() string {
	switch {
	case c.kind == "while":
		return fmt.Sprintf("while %q", c.value)
	case c.kind == "tokenBefore":
		return fmt.Sprintf("with a token from before %q", c.value)
	case c.kind != "":
		return phrases[c.kind] + " " + c.value
	case c.input != "":
		return "whose input When accepts"
	default:
		return "that a function accepts"
	}
}

// Instead is what a call has for which the condition does not hold, in words.
func (c Condition) Instead(call *Call) string {
	switch {
	case c.kind == "while":
		return fmt.Sprintf("in the state %q", call.state)
	case c.kind == "tokenBefore" && call.TokenIssued.IsZero():
		return "without a token"
	case c.kind == "tokenBefore":
		return "with a token issued at " + call.TokenIssued.Format("15:04:05.000")
	case c.input != "":
		return "with an input that When does not accept"
	case c.kind == "same":
		return phrases[c.kind] + " " + call.Identity()
	case c.words == nil:
		return "which a function does not accept"
	}
	words := slices.DeleteFunc(c.words(call), func(word string) bool { return word == "" })
	if len(words) == 0 {
		return "without a " + c.kind
	}
	return phrases[c.kind] + " " + few(pointers(words)...)
}

var phrases = map[string]string{
	"repository": "in", "tag": "tagged", "digest": "of", "account": "to account", "region": "in region",
	"caller": "by", "face": "through", "actor": "as", "same": "equal to", "failed": "that",
}

// byGlob is a condition on one of the words that say what a call is about. It does
// not hold for a call that has none, whatever the pattern.
func byGlob(kind, pattern string, words func(*Call) []string) Condition {
	c := Condition{kind: kind, value: pattern, words: words, matches: func(call *Call) bool {
		return slices.ContainsFunc(words(call), func(word string) bool { return word != "" && glob(pattern, word) })
	}}
	if pattern == "" {
		c.mistake = &misuse{call: capital(kind) + `("")`, member: kind, why: ": a condition on an empty " + kind}
	}
	return c
}

// glob matches a text with a pattern in which * stands for any characters,
// slashes included.
func glob(pattern, text string) bool {
	first, rest, more := strings.Cut(pattern, "*")
	if !more {
		return pattern == text
	}
	text, found := strings.CutPrefix(text, first)
	if !found {
		return false
	}
	for {
		var part string
		if part, rest, more = strings.Cut(rest, "*"); !more {
			return strings.HasSuffix(text, part)
		}
		if _, text, found = strings.Cut(text, part); !found {
			return false
		}
	}
}

// Repository holds for calls that name a repository: by its name, or by a pattern
// in which * stands for any characters, as team/* does. * alone holds for all calls
// that name one.
func Repository(pattern string) Condition {
	return byGlob("repository", pattern, func(call *Call) []string {
		names := []string{call.Repository}
		if several, ok := member[[]string](call.Input, "RepositoryNames"); ok {
			names = append(names, several...)
		}
		return names
	})
}

// Tag holds for calls that name a tag, by itself or by a pattern.
func Tag(pattern string) Condition {
	return byGlob("tag", pattern, func(call *Call) []string { tags, _ := call.names(); return tags })
}

// Digest holds for calls that name the digest of an image or a layer, by itself or
// by a pattern in which * stands for any characters.
func Digest(digest string) Condition {
	return byGlob("digest", digest, func(call *Call) []string { _, digests := call.names(); return digests })
}

// Account holds for calls to the registry of an account, by its 12 digits or by a
// pattern such as 1*.
func Account(id string) Condition {
	return byGlob("account", id, func(call *Call) []string { return []string{call.Account} })
}

// Region holds for calls to a registry in a region, by its name or by a pattern such
// as eu-*.
func Region(name string) Condition {
	return byGlob("region", name, func(call *Call) []string { return []string{call.Region} })
}

// Caller holds for calls of a principal, by its ARN or by a pattern such as
// arn:aws:iam::*:role/ci. It does not hold for a call that nobody in particular makes,
// such as what the world does by itself.
func Caller(pattern string) Condition {
	return byGlob("caller", pattern, func(call *Call) []string { return []string{call.Caller} })
}

// Actor holds for calls of an actor, by its name or by a pattern: those that come
// by fakeecr.Registry.Actor.
func Actor(name string) Condition {
	return byGlob("actor", name, func(call *Call) []string {
		if call.Actor == "" {
			return nil
		}
		return []string{call.Actor}
	})
}

// Same holds for calls with an identity, as [Call.Identity] answers it: for one call
// and those that are equal to it.
func Same(identity string) Condition {
	c := Condition{kind: "same", value: identity, matches: func(call *Call) bool { return call.Identity() == identity }}
	if identity == "" {
		c.mistake = errors.New("a condition on an empty identity")
	}
	return c
}

// Face is a way to call the fake.
type Face string

// The faces. What the world does by itself comes by none.
const (
	// FaceGo is a direct call of a Go method.
	FaceGo Face = "Go"
	// FaceAPI is a request of the API or of a download URL, with or without a
	// socket.
	FaceAPI Face = "API"
	// FaceRegistry is a request below /v2/.
	FaceRegistry Face = "registry"
)

// Through holds for calls that come in by a face.
func Through(face Face) Condition {
	c := byGlob("face", string(face), func(call *Call) []string { return []string{string(call.Face)} })
	if !slices.Contains([]Face{FaceGo, FaceAPI, FaceRegistry}, face) {
		c.mistake = &misuse{call: fmt.Sprintf("Through(%q)", face), member: "face", why: fmt.Sprintf(": no face is called so, but %s, %s and %s", FaceGo, FaceAPI, FaceRegistry)}
	}
	return c
}

// When holds for calls whose input the function accepts, which it must not
// change or keep. The input's type names the operation:
//
//	scenarios.When(func(in *ecr.UploadLayerPartInput) bool { return *in.PartFirstByte > 0 })
func When[In any](accepts func(*In) bool) Condition {
	operation, _ := strings.CutSuffix(reflect.TypeFor[In]().Name(), "Input")
	c := Condition{input: operation}
	if accepts == nil {
		c.mistake = errors.New("When of a nil function")
		return c
	}
	c.matches = func(call *Call) bool {
		in, ok := call.Input.(*In)
		return ok && accepts(in)
	}
	return c
}

// WhenCall holds for calls that the function accepts, whatever their operation.
// It must not change the call. In a rule the call has not been answered yet.
func WhenCall(accepts func(*Call) bool) Condition {
	if accepts == nil {
		return Condition{mistake: errors.New("WhenCall of a nil function")}
	}
	return Condition{matches: accepts}
}

// While holds while the playing is in a state that a rule's [Rule.Then] moved it
// to, by a call before. A playing begins in the state "".
func While(state string) Condition {
	return Condition{kind: "while", value: state, matches: func(call *Call) bool { return call.state == state }}
}

// TokenBefore holds for calls to the registry endpoint with a token that was issued
// before the playing last came to a state, as [Rule.Then] moves it: where the state is
// that tokens have expired, for those that have, and not for newer ones. It does not
// hold for a call without a token, or before the playing was in the state.
func TokenBefore(state string) Condition {
	return Condition{kind: "tokenBefore", value: state, matches: func(call *Call) bool { return slices.Contains(call.later, state) }}
}

// Failed holds for calls of a trace that were refused, whose reply was lost or, of a
// batch, of which an item failed: see [Call.Failed].
func Failed() Condition {
	return Condition{kind: "failed", value: "failed", matches: func(call *Call) bool { return call.Failed() }}
}

// PlayedBy holds for calls of a trace that a rule played on.
func PlayedBy(rule *Rule) Condition {
	return Condition{matches: func(call *Call) bool { return slices.Contains(call.Rules, rule.String()) }}
}

// names are the tags and the digests that a call's input names.
func (c *Call) names() (tags, digests []string) {
	add := func(tag, digest *string) {
		if tag != nil {
			tags = append(tags, *tag)
		}
		if digest != nil {
			digests = append(digests, *digest)
		}
	}
	tag, _ := member[*string](c.Input, "ImageTag")
	digest, _ := member[*string](c.Input, "ImageDigest")
	add(tag, digest)
	digest, _ = member[*string](c.Input, "LayerDigest")
	add(nil, digest)
	several, _ := member[[]string](c.Input, "LayerDigests")
	digests = append(digests, several...)
	several, _ = member[[]string](c.Input, "ImageTags")
	tags = append(tags, several...)
	if id, _ := member[*types.ImageIdentifier](c.Input, "ImageId"); id != nil {
		add(id.ImageTag, id.ImageDigest)
	}
	ids, _ := member[[]types.ImageIdentifier](c.Input, "ImageIds")
	for _, id := range ids {
		add(id.ImageTag, id.ImageDigest)
	}
	if id, _ := member[*types.SubjectIdentifier](c.Input, "SubjectId"); id != nil {
		add(nil, id.ImageDigest)
	}
	return tags, digests
}

// member is a member of an input, where it has one of the name and type.
func member[T any](in any, name string) (value T, found bool) {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return value, false
	}
	if field := v.Elem().FieldByName(name); field.IsValid() {
		value, found = field.Interface().(T)
	}
	return value, found
}
