package transcript

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Settled is settings of a registry as they were before they were touched: by region
// and by what they are called.
type Settled struct {
	Account string                        `json:"account"`
	Regions map[string]map[string]Setting `json:"regions"`
}

// Setting is one of them.
type Setting struct {
	// Kind is what reads it and puts it; Name is an account setting's.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Value is what was read, as it is to be put; null is none.
	Value json.RawMessage `json:"value"`
}

// settingKind is how a setting is read, put and taken away.
type settingKind struct {
	read, put, clear string
	// input is what it is read by, value what is put again of the answer.
	input func(name string) map[string]any
	value func(answer map[string]any) any
	// none is the code of the error that says that there is none.
	none string
	// keeps tells why a value cannot be put again, "" if it can.
	keeps func(value map[string]any) string
}

func noInput(string) map[string]any { return map[string]any{} }

// members takes some members of an answer.
func members(names ...string) func(map[string]any) any {
	return func(answer map[string]any) any {
		value := map[string]any{}
		for _, name := range names {
			if v, has := answer[name]; has {
				value[name] = v
			}
		}
		return value
	}
}

var settingKinds = map[string]settingKind{
	"registry policy": {
		read: "GetRegistryPolicy", put: "PutRegistryPolicy", clear: "DeleteRegistryPolicy",
		input: noInput, value: members("policyText"), none: "RegistryPolicyNotFoundException",
	},
	"replication configuration": {
		read: "DescribeRegistry", put: "PutReplicationConfiguration",
		input: noInput, value: members("replicationConfiguration"),
	},
	"scanning configuration": {
		read: "GetRegistryScanningConfiguration", put: "PutRegistryScanningConfiguration", input: noInput,
		value: func(answer map[string]any) any {
			configuration, _ := answer["scanningConfiguration"].(map[string]any)
			return members("scanType", "rules")(configuration)
		},
		keeps: func(value map[string]any) string {
			if value["scanType"] != "BASIC" {
				return "scanning is enhanced, and to put it elsewhere for a moment would lose its findings"
			}
			return ""
		},
	},
	"account setting": {
		read: "GetAccountSetting", put: "PutAccountSetting",
		input: func(name string) map[string]any { return map[string]any{"name": name} },
		value: members("name", "value"),
		keeps: func(value map[string]any) string {
			if value["value"] == "V1" || value["value"] == "CLAIR" {
				return fmt.Sprintf("the account setting %s is %s, which cannot be put again", value["name"], value["value"])
			}
			return ""
		},
	},
	"signing configuration": {
		read: "GetSigningConfiguration", put: "PutSigningConfiguration", clear: "DeleteSigningConfiguration",
		input: noInput, value: members("signingConfiguration"), none: "SigningConfigurationNotFoundException",
	},
	"pull-time exclusions": {read: "ListPullTimeUpdateExclusions"},
	"rule for ROOT":        {read: "DescribePullThroughCacheRules", clear: "DeletePullThroughCacheRule"},
	"template for ROOT":    {read: "DescribeRepositoryCreationTemplates", clear: "DeleteRepositoryCreationTemplate"},
}

// settingOf is which setting a call puts; false for none.
func settingOf(operation string, input any) (Setting, bool) {
	fields, _ := input.(map[string]any)
	switch operation {
	case "PutRegistryPolicy", "DeleteRegistryPolicy":
		return Setting{Kind: "registry policy"}, true
	case "PutReplicationConfiguration":
		return Setting{Kind: "replication configuration"}, true
	case "PutRegistryScanningConfiguration":
		return Setting{Kind: "scanning configuration"}, true
	case "PutAccountSetting":
		name, _ := fields["name"].(string)
		return Setting{Kind: "account setting", Name: name}, name != ""
	case "PutSigningConfiguration", "DeleteSigningConfiguration":
		return Setting{Kind: "signing configuration"}, true
	case "RegisterPullTimeUpdateExclusion", "DeregisterPullTimeUpdateExclusion":
		return Setting{Kind: "pull-time exclusions"}, true
	}
	switch op := operations[operation]; {
	case op.names == rule.names && op.class == below && fields[op.names] == everyone:
		return Setting{Kind: "rule for ROOT"}, true
	case op.names == template.names && op.class == below && fields[op.names] == everyone:
		return Setting{Kind: "template for ROOT"}, true
	}
	return Setting{}, false
}

// beforeSetting reads a setting before the call that touches it first.
func (s *session) beforeSetting(ctx context.Context, region, operation string, input any) error {
	setting, is := settingOf(operation, input)
	if !is {
		return nil
	}
	known := s.settled.Regions[region]
	key := setting.Kind + " " + setting.Name
	if _, read := known[key]; read {
		return nil
	}
	value, err := s.readSetting(ctx, region, setting)
	if err != nil {
		return err
	}
	if value == nil && setting.Kind == "account setting" {
		return nil // ECR has none of this name
	}
	if err := keepable(setting, value); err != nil {
		return err
	}
	if setting.Value, err = json.Marshal(value); err != nil {
		return err
	}
	if known == nil {
		known = map[string]Setting{}
		s.settled.Regions[region] = known
	}
	known[key] = setting
	if s.Keep != nil {
		return s.Keep(s.settled)
	}
	return nil
}

// keepable refuses to touch what cannot be put back.
func keepable(setting Setting, value any) error {
	if setting.Kind == "rule for ROOT" || setting.Kind == "template for ROOT" {
		if list, _ := value.([]any); len(list) > 0 {
			return refusal("there is a " + setting.Kind + " already")
		}
		return nil
	}
	fields, is := value.(map[string]any)
	if keeps := settingKinds[setting.Kind].keeps; is && keeps != nil {
		if why := keeps(fields); why != "" {
			return refusal(why)
		}
	}
	return nil
}

// readSetting is a setting's value, nil for none.
func (s *session) readSetting(ctx context.Context, region string, setting Setting) (any, error) {
	kind := settingKinds[setting.Kind]
	switch setting.Kind {
	case "pull-time exclusions":
		return s.exclusions(ctx, region)
	case "rule for ROOT":
		return s.named(ctx, region, kind.read, "pullThroughCacheRules", rule.names, everyone)
	case "template for ROOT":
		return s.named(ctx, region, kind.read, "repositoryCreationTemplates", template.names, everyone)
	}
	reply, err := s.insist(ctx, region, kind.read, kind.input(setting.Name))
	if err != nil {
		return nil, err
	}
	code, _ := reply.failure()
	switch {
	case code != "" && code == kind.none, code == "InvalidParameterException" && setting.Kind == "account setting":
		return nil, nil
	case reply.isForeign():
		return nil, notThere(kind.read + ": " + reply.String())
	case !reply.succeeded():
		return nil, refusal(fmt.Sprintf("the %s cannot be read, and so not put back: %s", setting.Kind, reply))
	}
	body, err := decode(reply.Body)
	if err != nil {
		return nil, err
	}
	answer, _ := body.(map[string]any)
	return kind.value(answer), nil
}

func (s *session) named(ctx context.Context, region, operation, items, member, name string) (any, error) {
	all, err := s.all(ctx, region, operation, items)
	found := []any{}
	for _, item := range all {
		if item[member] == name {
			found = append(found, item[member])
		}
	}
	return found, err
}

func (s *session) exclusions(ctx context.Context, region string) (any, error) {
	input, arns := map[string]any{}, []any{}
	for {
		reply, err := s.insist(ctx, region, "ListPullTimeUpdateExclusions", input)
		if err != nil {
			return nil, err
		}
		if reply.isForeign() {
			return nil, notThere("ListPullTimeUpdateExclusions: " + reply.String())
		}
		body, err := decode(reply.Body)
		answer, is := body.(map[string]any)
		list, listed := answer["pullTimeUpdateExclusions"].([]any)
		if err != nil || !is || !listed || !reply.succeeded() {
			return nil, refusal("the pull-time exclusions cannot be read, and so not put back: " + reply.String())
		}
		arns = append(arns, list...)
		if answer["nextToken"] == nil {
			return arns, nil
		}
		input["nextToken"] = answer["nextToken"]
	}
}

// putBack puts all settings that were touched back as they were.
func (s *session) putBack(ctx context.Context) {
	if len(s.settled.Regions) == 0 {
		return
	}
	for _, region := range slices.Sorted(maps.Keys(s.settled.Regions)) {
		known := s.settled.Regions[region]
		for _, key := range slices.Sorted(maps.Keys(known)) {
			if err := s.restore(ctx, region, known[key]); err != nil {
				s.result.Left = append(s.result.Left, fmt.Sprintf("the %s in %s, which was %s: %v", key, region, known[key].Value, err))
			}
		}
	}
	if s.Keep != nil && len(s.result.Left) == 0 {
		if err := s.Keep(nil); err != nil {
			s.result.Left = append(s.result.Left, err.Error())
		}
	}
}

// Restore puts settings back that another run has kept.
func (p *Player) Restore(ctx context.Context, kept *Settled) (left []string) {
	s := p.session(&Transcript{})
	s.fence.base, s.fence.settings = Top, true
	s.settled = kept
	s.putBack(ctx)
	return s.result.Left
}

// restore puts a setting back and looks whether it is as it was.
func (s *session) restore(ctx context.Context, region string, setting Setting) error {
	was, err := decode(setting.Value)
	if err != nil {
		return err
	}
	is, err := s.readSetting(ctx, region, setting)
	if err != nil || same(was, is) {
		return err
	}
	// An answer that was lost makes the next call fail: what counts is what is there.
	failed := s.put(ctx, region, setting, was, is)
	is, err = s.readSetting(ctx, region, setting)
	switch {
	case err != nil:
		return err
	case same(was, is):
		return nil
	default:
		return errors.Join(failed, fmt.Errorf("it is %s", show(is)))
	}
}

func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// put makes a setting what it was.
func (s *session) put(ctx context.Context, region string, setting Setting, was, is any) error {
	kind := settingKinds[setting.Kind]
	switch {
	case setting.Kind == "pull-time exclusions":
		return s.putExclusions(ctx, region, was, is)
	case setting.Kind == "rule for ROOT":
		return s.restoring(ctx, region, kind.clear, map[string]any{rule.names: everyone})
	case setting.Kind == "template for ROOT":
		return s.restoring(ctx, region, kind.clear, map[string]any{template.names: everyone})
	case was == nil:
		return s.restoring(ctx, region, kind.clear, map[string]any{})
	default:
		return s.restoring(ctx, region, kind.put, was)
	}
}

func (s *session) putExclusions(ctx context.Context, region string, was, is any) error {
	before, _ := was.([]any)
	after, _ := is.([]any)
	var failed error
	for _, arn := range after {
		if !slices.Contains(before, arn) {
			failed = errors.Join(failed, s.restoring(ctx, region, "DeregisterPullTimeUpdateExclusion", map[string]any{"principalArn": arn}))
		}
	}
	for _, arn := range before {
		if !slices.Contains(after, arn) {
			failed = errors.Join(failed, s.restoring(ctx, region, "RegisterPullTimeUpdateExclusion", map[string]any{"principalArn": arn}))
		}
	}
	return failed
}

// restoring makes a call that puts a setting back, which no fence holds.
func (s *session) restoring(ctx context.Context, region, operation string, input any) error {
	free := *s
	player := *s.Player
	player.Fenced = false
	free.Player = &player
	reply, err := free.insist(ctx, region, operation, input)
	if err == nil && !reply.succeeded() {
		err = fmt.Errorf("%s: %s", operation, reply)
	}
	return err
}
