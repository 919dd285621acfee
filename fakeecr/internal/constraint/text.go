package constraint

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// A violation is a member and the constraint it fails. It is built from the inside out: each
// structure and list on the way adds its step to the path.
type violation struct {
	path string
	text string

	// absolute paths are those of ECR's handlers, which name a member without regard to its place.
	absolute bool
}

func (v *violation) within(step string) *violation {
	switch {
	case v.absolute:
	case v.path == "":
		v.path = step
	default:
		v.path = step + "." + v.path
	}
	return v
}

func (v *violation) exception() error {
	message := fmt.Sprintf("Invalid parameter at '%s' failed to satisfy constraint: '%s'", v.path, v.text)
	return &types.InvalidParameterException{Message: &message}
}

// An identifier is a shape that ECR's handlers check, in words other than the framework's.
type identifier struct {
	name    string
	pattern string // as the handler prints it: all but that of registryId are recorded in quotes
	match   func(string) bool
}

// identifiers are checked by handlers where they are members of an input itself. Recorded are the
// texts of the first three; the other two are as old and as much identifiers. ImageTag has no
// pattern in the model.
var identifiers = map[string]*identifier{
	"RepositoryName": {
		name:    "repositoryName",
		pattern: `'[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*'`,
		match:   ValidRepositoryName,
	},
	"RegistryId": {
		name:    "registryId",
		pattern: `[0-9]{12}`,
		match:   ValidRegistryID,
	},
	"ImageTag": {
		name:    "imageTag",
		pattern: `'[a-zA-Z0-9-_.]+'`,
		match:   ValidTag,
	},
	"LayerDigest": {
		name:    "layerDigest",
		pattern: `'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'`,
		match:   ValidDigest,
	},
	"UploadId": {
		name:    "uploadId",
		pattern: `'[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'`,
		match:   ValidUploadID,
	},
}

// documents have a name and words of their own where they are missing, but not where their length
// is wrong. Recorded is PolicyText; the others bear such names in later checks.
var documents = map[string]string{
	"ImageManifest":        "ImageManifest",
	"LifecyclePolicyText":  "LifecyclePolicyText",
	"RegistryPolicyText":   "PolicyText",
	"RepositoryPolicyText": "PolicyText",
}

// missing is the violation of a required member that is absent.
func (r *rule) missing(member string) violation {
	if name, ok := documents[r.shape.Name]; ok {
		return violation{path: name, text: "Cannot be null"}
	}
	return violation{path: member, text: r.must("not be null")}
}

func (r *rule) fails(constraint string) *violation {
	if r.identifier != nil {
		return &violation{path: r.identifier.name, text: r.must(constraint), absolute: true}
	}
	return &violation{text: r.must(constraint)}
}

func (r *rule) must(constraint string) string {
	if r.identifier != nil {
		return "must " + constraint
	}
	return "Member must " + constraint
}

func (r *rule) quantity() string {
	if r.shape.Kind == Number {
		return "value"
	}
	return "length"
}

func (r *rule) atMost() string {
	return fmt.Sprintf("have %s less than or equal to %d", r.quantity(), r.max)
}

func (r *rule) atLeast() string {
	return fmt.Sprintf("have %s greater than or equal to %d", r.quantity(), r.min)
}

func (r *rule) matching() string {
	if r.identifier != nil {
		return "satisfy regular expression " + r.identifier.pattern
	}
	return "satisfy regular expression pattern: " + r.shape.Pattern
}

func (r *rule) oneOf() string {
	return "satisfy enum value set: [" + strings.Join(r.shape.Enum, ", ") + "]"
}

// satisfied is the constraint on a list that its elements satisfy theirs. It names them all, not
// only the one that failed, as the framework does in other services.
func (r *rule) satisfied() string {
	var all []string
	if r.shape.Max.Set {
		all = append(all, r.must(r.atMost()))
	}
	if r.shape.Min.Set {
		all = append(all, r.must(r.atLeast()))
	}
	if r.shape.Pattern != "" {
		all = append(all, r.must(r.matching()))
	}
	if r.shape.Enum != nil {
		all = append(all, r.must(r.oneOf()))
	}
	return "satisfy constraint: [" + strings.Join(all, ", ") + "]"
}
