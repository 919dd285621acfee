package transcript

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// touched is what a transcript may have made in a region.
type touched struct {
	repositories, rules, templates []string
	// replicates tells that the transcript has put the replication configuration.
	replicates bool
}

func (s *session) touch(region string) *touched {
	if s.touched[region] == nil {
		s.touched[region] = &touched{}
	}
	return s.touched[region]
}

func (t *touched) repository(name string) { add(&t.repositories, name) }

func add(list *[]string, name string) {
	if name != "" && !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
}

// note keeps in mind what a call may make, before it is made: its answer may be lost.
// A pull may make a repository as well, by a rule.
func (s *session) note(region, operation string, input any) {
	members, _ := input.(map[string]any)
	named := func(member string) string {
		name, _ := members[member].(string)
		if !s.fence.holds(name) {
			return ""
		}
		return name
	}
	t := s.touch(region)
	t.repository(named("repositoryName"))
	switch operation {
	case "CreatePullThroughCacheRule":
		add(&t.rules, named("ecrRepositoryPrefix"))
	case "CreateRepositoryCreationTemplate":
		add(&t.templates, named("prefix"))
	case "PutReplicationConfiguration":
		t.replicates = true
	}
}

// allow refuses what is beyond the fence, and reads a setting before it is touched.
func (s *session) allow(ctx context.Context, region, operation string, input any) error {
	at := s.fence
	at.region = region
	if s.Fenced {
		if region != s.Region && region != s.OtherRegion {
			return refusal("it calls the region " + region)
		}
		if err := at.call(operation, input); err != nil {
			return err
		}
		if operation == "StartReplicationBackfill" && !s.touch(region).replicates {
			return refusal("it would replicate what there is by a configuration that is not its own")
		}
	}
	return s.beforeSetting(ctx, region, operation, input)
}

// undone is how long taking away and putting back may take.
const undone = 5 * time.Minute

// undo takes away what the transcript made and puts back what it changed.
func (s *session) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, undone)
	defer cancel()
	s.putBack(ctx)
	for _, region := range slices.Sorted(maps.Keys(s.touched)) {
		t := s.touched[region]
		for _, prefix := range t.rules {
			s.remove(ctx, region, "DeletePullThroughCacheRule", map[string]any{"ecrRepositoryPrefix": prefix}, "PullThroughCacheRuleNotFoundException")
		}
		for _, prefix := range t.templates {
			s.remove(ctx, region, "DeleteRepositoryCreationTemplate", map[string]any{"prefix": prefix}, "TemplateNotFoundException")
		}
		for _, name := range t.repositories {
			s.remove(ctx, region, "DeleteRepository", map[string]any{"repositoryName": name, "force": true}, "RepositoryNotFoundException")
		}
	}
}

// attempts is how often something is taken away or put back until that is answered.
const attempts = 4

// remove takes something away. What is not there, and what cannot be there because
// its name is none, need not be.
func (s *session) remove(ctx context.Context, region, operation string, input map[string]any, gone string) {
	what := fmt.Sprintf("%s in %s", firstText(input), region)
	reply, err := s.insist(ctx, region, operation, input)
	if err != nil {
		s.result.Left = append(s.result.Left, what+": "+err.Error())
		return
	}
	code, _ := reply.failure()
	switch {
	case reply.succeeded(), code == gone, code == "InvalidParameterException", code == "ValidationException":
	case s.result.Outcome == NotThere && reply.isForeign(): // neither is what would have made it
	case operation == "DeleteRepository" && code == "AccessDeniedException" && input["force"] == true:
		// Its own policy may stand in the way.
		s.insist(ctx, region, "DeleteRepositoryPolicy", map[string]any{"repositoryName": input["repositoryName"]})
		if again, err := s.insist(ctx, region, operation, input); err == nil && again.succeeded() {
			return
		}
		fallthrough
	default:
		s.result.Left = append(s.result.Left, what+": "+reply.String())
	}
}

// firstText is the name in an input.
func firstText(input map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(input)) {
		if text, is := input[name].(string); is {
			return text
		}
	}
	return ""
}

// insist makes a call until it is answered by more than that the service failed.
func (s *session) insist(ctx context.Context, region, operation string, input any) (reply *Reply, err error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	for n := 1; n <= attempts; n++ {
		reply, err = s.call(ctx, region, operation, body, nil)
		if err == nil && (reply.Status < 500 || s.foreign[operation]) || ctx.Err() != nil {
			return reply, err
		}
		if s.Pause != nil {
			if err := s.Pause(ctx, time.Second<<n); err != nil {
				return reply, err
			}
		}
	}
	if err == nil && reply.isForeign() {
		if s.foreign == nil {
			s.Player.foreign = map[string]bool{}
		}
		s.foreign[operation] = true
	}
	return reply, err
}

// Sweep takes away whatever has a name in a region that begins with a prefix, which is
// [Top] or below it: rules, templates and repositories. It answers the names of what it
// took away, and what stayed.
func (p *Player) Sweep(ctx context.Context, region, prefix string) (gone, left []string, err error) {
	s := p.session(&Transcript{})
	s.fence.base = prefix
	if !strings.HasPrefix(prefix, Top) {
		return nil, nil, refusal("only what is below " + Top + " is swept")
	}
	kinds := []struct{ list, items, name, remove, missing string }{
		{"DescribePullThroughCacheRules", "pullThroughCacheRules", "ecrRepositoryPrefix", "DeletePullThroughCacheRule", "PullThroughCacheRuleNotFoundException"},
		{"DescribeRepositoryCreationTemplates", "repositoryCreationTemplates", "prefix", "DeleteRepositoryCreationTemplate", "TemplateNotFoundException"},
		{"DescribeRepositories", "repositories", "repositoryName", "DeleteRepository", "RepositoryNotFoundException"},
	}
	for _, kind := range kinds {
		items, err := s.all(ctx, region, kind.list, kind.items)
		if errors.As(err, new(notThere)) {
			continue
		}
		if err != nil {
			return gone, s.result.Left, err
		}
		for _, item := range items {
			name, _ := item[kind.name].(string)
			if !strings.HasPrefix(name, prefix) {
				continue
			}
			input := map[string]any{kind.name: name}
			if kind.remove == "DeleteRepository" {
				input["force"] = true
			}
			before := len(s.result.Left)
			s.remove(ctx, region, kind.remove, input, kind.missing)
			if len(s.result.Left) == before {
				gone = append(gone, name)
			}
		}
	}
	return gone, s.result.Left, nil
}

// all is the items of all pages of a list.
func (s *session) all(ctx context.Context, region, operation, items string) (all []map[string]any, err error) {
	input := map[string]any{}
	for {
		reply, err := s.insist(ctx, region, operation, input)
		if err != nil {
			return nil, err
		}
		if reply.isForeign() {
			return nil, notThere(operation + ": " + reply.String())
		}
		if !reply.succeeded() {
			return nil, fmt.Errorf("%s: %s", operation, reply)
		}
		body, err := decode(reply.Body)
		if err != nil {
			return nil, err
		}
		page, _ := body.(map[string]any)
		list, _ := page[items].([]any)
		for _, item := range list {
			if item, is := item.(map[string]any); is {
				all = append(all, item)
			}
		}
		if page["nextToken"] == nil {
			return all, nil
		}
		input["nextToken"] = page["nextToken"]
	}
}
