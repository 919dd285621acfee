package transcript

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Top is what the names of all that is made begin with.
const Top = "fakeecr-verify/"

// refusal is why something is not done.
type refusal string

// Error implements [error].
func (r refusal) Error() string { return string(r) }

// everyone is the name of the rule, and of the template, for all that has none of its
// own.
const everyone = "ROOT"

// fence keeps what is sent to a registry that is not the player's own within what the
// player has made there. It looks at what is sent, and at nothing that led to it.
type fence struct {
	// base begins the names that may be written.
	base            string
	account, region string
	// settings tells that the settings of the registry may be put.
	settings bool
}

func (f *fence) holds(name string) bool {
	return strings.HasPrefix(name, f.base) && !strings.Contains(name, "..")
}

// call refuses a call that would write elsewhere.
func (f *fence) call(name string, input any) error {
	op, known := operations[name]
	members, _ := input.(map[string]any)
	switch {
	case !known:
		return refusal(name + " is not known to change nothing")
	case op.class == reads:
		return nil
	}
	for given, value := range members {
		if strings.EqualFold(given, "registryId") && value != nil && value != f.account {
			return refusal(name + " would write to another registry")
		}
	}
	switch op.class {
	case settings:
		return f.setting(name, members)
	case tags:
		return f.arn(name, members)
	}
	for given, value := range members {
		if !strings.EqualFold(given, op.names) || value == nil || value == "" {
			continue // what names nothing changes nothing
		}
		switch target, is := value.(string); {
		case is && f.holds(target):
		case is && target == everyone && op.names != "repositoryName":
			return f.setting(name, nil)
		default:
			return refusal(fmt.Sprintf("%s would write to %s, which is not below %s", name, show(value), f.base))
		}
	}
	return nil
}

// arn refuses the tags of what is not below the base. What is no ARN of a repository
// names none.
func (f *fence) arn(name string, members map[string]any) error {
	own := regexp.MustCompile(`^arn:aws[a-z-]*:ecr:` + regexp.QuoteMeta(f.region) + `:` + regexp.QuoteMeta(f.account) + `:repository/(.*)$`)
	for given, value := range members {
		if !strings.EqualFold(given, "resourceArn") {
			continue
		}
		text, _ := value.(string)
		if found := own.FindStringSubmatch(text); found != nil && f.holds(found[1]) || !strings.Contains(text, "repository") {
			continue
		}
		return refusal(fmt.Sprintf("%s would write to %s, which is not below %s", name, show(value), f.base))
	}
	return nil
}

// setting refuses what would reach the repositories of others while the setting is
// another: what it is for has to be below the base.
func (f *fence) setting(name string, members map[string]any) error {
	if !f.settings {
		return refusal(name + " puts a setting of the registry")
	}
	outside := func(what string) error {
		return refusal(fmt.Sprintf("%s would %s what is not below %s", name, what, f.base))
	}
	switch name {
	case "PutReplicationConfiguration":
		if !f.filtersOwn(members["replicationConfiguration"]) {
			return outside("replicate")
		}
	case "PutSigningConfiguration":
		if !f.filtersOwn(members["signingConfiguration"]) {
			return outside("sign")
		}
	case "PutRegistryScanningConfiguration":
		// Enhanced scanning is charged by the image, and without rules scans all.
		rules, _ := members["rules"].([]any)
		if members["scanType"] != "BASIC" && (len(rules) == 0 || !f.filtersOwn(members)) {
			return outside("scan")
		}
	case "PutRegistryPolicy":
		if !f.allowsOwn(members["policyText"]) {
			return outside("decide on")
		}
	}
	return nil
}

// filtersOwn tells whether all rules of a configuration have filters, of what is below
// the base.
func (f *fence) filtersOwn(configuration any) bool {
	fields, _ := configuration.(map[string]any)
	rules, _ := fields["rules"].([]any)
	for _, rule := range rules {
		rule, _ := rule.(map[string]any)
		filters, _ := rule["repositoryFilters"].([]any)
		for _, filter := range filters {
			filter, _ := filter.(map[string]any)
			if name, _ := filter["filter"].(string); !f.holds(name) {
				return false
			}
		}
		if len(filters) == 0 {
			return false
		}
	}
	return true
}

// allowsOwn tells whether a policy speaks of nothing but what is below the base. What
// is no JSON is no policy.
func (f *fence) allowsOwn(text any) bool {
	written, _ := text.(string)
	document, err := decode([]byte(written))
	if err != nil {
		return true
	}
	policy, _ := document.(map[string]any)
	for _, statement := range several(policy["Statement"]) {
		fields, _ := statement.(map[string]any)
		resources := several(fields["Resource"])
		for _, resource := range resources {
			_, name, found := strings.Cut(fmt.Sprint(resource), ":repository/")
			if !found || !f.holds(name) {
				return false
			}
		}
		if len(resources) == 0 {
			return false
		}
	}
	return true
}

// several is the elements of a list, or the one thing that stands for it.
func several(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// repositoryInPath is the name of a repository in a path of the registry endpoint.
var repositoryInPath = regexp.MustCompile(`^/v2/(.+?)/(?:manifests|blobs|tags|referrers)(?:/|$)`)

// dots is what a server may read a path past: segments that are empty or dots.
var dots = regexp.MustCompile(`//|/\.{1,2}(/|$)`)

// request refuses a request to the registry endpoint that would write elsewhere.
func (f *fence) request(method string, to *url.URL, own bool) error {
	if method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	found := repositoryInPath.FindStringSubmatch(to.Path)
	plain := to.RawPath == "" && !dots.MatchString(to.Path)
	if own && plain && found != nil && f.holds(found[1]) {
		return nil
	}
	return refusal(fmt.Sprintf("%s %s would write outside of %s", method, to.Path, f.base))
}
