package lifecycle

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// aRule is a rule that is valid once the members of its selection are.
func aRule(priority int, selection string) string {
	return fmt.Sprintf(`{"rulePriority":%d,"selection":{%s},"action":{"type":"expire"}}`, priority, selection)
}

func aTransition(priority int, selection string) string {
	return fmt.Sprintf(`{"rulePriority":%d,"selection":{%s},"action":{"type":"transition","targetStorageClass":"archive"}}`, priority, selection)
}

func aPolicy(rules ...string) string {
	return `{"rules":[` + strings.Join(rules, ",") + `]}`
}

const (
	keepTen    = `"countType":"imageCountMoreThan","countNumber":10`
	tenDays    = `"countType":"sinceImagePushed","countUnit":"days","countNumber":10`
	unpulled   = `"countType":"sinceImagePulled","countUnit":"days","countNumber":10`
	archived90 = `"storageClass":"archive","countType":"sinceImageTransitioned","countUnit":"days","countNumber":90`

	noSchema   = "Lifecycle policy validation failure: instance failed to match exactly one schema (matched 0 out of 4)\n"
	noAction   = "Lifecycle policy validation failure: instance failed to match exactly one schema (matched 0 out of 2)\n"
	unmappable = "Lifecycle policy parsing failure: Could not map policyString into LifecyclePolicy."
	failure    = "Lifecycle policy validation failure: "
)

// The texts are those recorded from ECR.
func TestParseRefusesWithRecordedTexts(t *testing.T) {
	tooMany := make([]string, 51)
	for i := range tooMany {
		tooMany[i] = aRule(i+1, fmt.Sprintf(`"tagStatus":"tagged","tagPrefixList":["%d"],`, i)+keepTen)
	}
	anyTen := `"tagStatus":"any",` + keepTen
	for name, test := range map[string]struct{ text, want string }{
		"not JSON":                        {`{"rules":[`, unmappable},
		"empty":                           {``, unmappable},
		"something after":                 {aPolicy(aRule(1, anyTen)) + `]`, unmappable},
		"not an object":                   {`[]`, unmappable},
		"null":                            {`null`, unmappable},
		"transition without target":       {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"transition"}}`), unmappable},
		"no rules":                        {`{}`, failure + `object has missing required properties (["rules"])`},
		"rules not an array":              {`{"rules":"none"}`, failure + `object has missing required properties (["rules"])`},
		"rules null":                      {`{"rules":null}`, failure + `object has missing required properties (["rules"])`},
		"51 rules":                        {aPolicy(tooMany...), failure + `array is too long: must have at most 50 elements but instance has 51 elements`},
		"no priority":                     {aPolicy(`{"selection":{` + anyTen + `},"action":{"type":"expire"}}`), failure + `object has missing required properties (["rulePriority"])`},
		"empty rule, sorted":              {aPolicy(`{}`), failure + `object has missing required properties (["action","rulePriority","selection"])`},
		"empty selection, sorted":         {aPolicy(aRule(1, ``)), failure + `object has missing required properties (["countNumber","countType","tagStatus"])`},
		"empty action":                    {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{}}`), failure + `object has missing required properties (["type"])`},
		"unknown key in rule":             {aPolicy(`{"unknown":1,"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"expire"}}`), failure + `object instance has properties which are not allowed by the schema: (["unknown"])`},
		"unknown key in selection":        {aPolicy(aRule(1, `"unknown":1,`+anyTen)), failure + `object instance has properties which are not allowed by the schema: (["unknown"])`},
		"unknown key in action":           {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"expire","unknown":1}}`), failure + `object instance has properties which are not allowed by the schema: (["unknown"])`},
		"keys keep their case":            {aPolicy(aRule(1, `"TagStatus":"any",`+anyTen)), failure + `object instance has properties which are not allowed by the schema: (["TagStatus"])`},
		"priority 0":                      {aPolicy(aRule(0, anyTen)), failure + `numeric instance is lower than the required minimum (minimum: 1, found: 0)`},
		"count 0":                         {aPolicy(aRule(1, `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":0`)), failure + `numeric instance is lower than the required minimum (minimum: 1, found: 0)`},
		"count below int64":               {aPolicy(aRule(1, `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":-9999999999999999999`)), failure + `numeric instance is lower than the required minimum (minimum: 1, found: -9999999999999999999)`},
		"unknown tagStatus":               {aPolicy(aRule(1, `"tagStatus":"x",`+keepTen)), failure + `instance value ("x") not found in enum (possible values: ["any","tagged","untagged"])`},
		"unknown countUnit":               {aPolicy(aRule(1, `"tagStatus":"any","countType":"sinceImagePushed","countUnit":"hours","countNumber":1`)), failure + `instance value ("hours") not found in enum (possible values: ["days"])`},
		"unknown action":                  {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"x"}}`), failure + `instance value ("x") not found in enum (possible values: ["expire","transition"])`},
		"unknown countType":               {aPolicy(aRule(1, `"tagStatus":"any","countType":"x","countNumber":1`)), noSchema},
		"unknown storageClass":            {aPolicy(aRule(1, `"tagStatus":"any","storageClass":"x",`+keepTen)), noSchema},
		"days without unit":               {aPolicy(aRule(1, `"tagStatus":"any","countType":"sinceImagePushed","countNumber":1`)), noSchema},
		"count with unit":                 {aPolicy(aRule(1, `"countUnit":"days","tagStatus":"any",`+keepTen)), noSchema},
		"sinceImagePulled expires":        {aPolicy(aRule(1, `"tagStatus":"any",`+unpulled)), noSchema},
		"sinceImagePulled without unit":   {aPolicy(aTransition(1, `"tagStatus":"any","countType":"sinceImagePulled","countNumber":1`)), noSchema},
		"transitioned in standard":        {aPolicy(aRule(1, `"tagStatus":"any","countType":"sinceImageTransitioned","countUnit":"days","countNumber":90`)), noSchema},
		"transitioned without unit":       {aPolicy(aRule(1, `"tagStatus":"any","storageClass":"archive","countType":"sinceImageTransitioned","countNumber":90`)), noSchema},
		"transitioned transitions":        {aPolicy(aTransition(1, `"tagStatus":"any",`+archived90)), noSchema},
		"null list":                       {aPolicy(aRule(1, `"tagPatternList":null,`+anyTen)), noSchema},
		"null unit":                       {aPolicy(aRule(1, `"countUnit":null,`+anyTen)), noSchema},
		"null description":                {aPolicy(`{"description":null,"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"expire"}}`), noSchema},
		"null target":                     {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"expire","targetStorageClass":null}}`), noAction},
		"null target of a transition":     {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"transition","targetStorageClass":null}}`), noAction},
		"null type":                       {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":null}}`), noAction},
		"null action":                     {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":null}`), noAction},
		"null unit and null target":       {aPolicy(`{"rulePriority":1,"selection":{"countUnit":null,` + anyTen + `},"action":{"type":"expire","targetStorageClass":null}}`), noSchema},
		"null selection":                  {aPolicy(`{"rulePriority":1,"selection":null,"action":{"type":"expire"}}`), noSchema},
		"one priority twice":              {aPolicy(aRule(2, `"tagStatus":"untagged",`+keepTen), aRule(2, anyTen)), failure + `Duplicate priority in multiple rules`},
		"tagged without list":             {aPolicy(aRule(1, `"tagStatus":"tagged",`+keepTen)), failure + `Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.`},
		"tagged with both lists":          {aPolicy(aRule(1, `"tagStatus":"tagged","tagPrefixList":["a"],"tagPatternList":["b"],`+keepTen)), failure + `If policy has a tagged rule, it must specify only one of tagPrefixList or tagPatternList`},
		"untagged with prefixes":          {aPolicy(aRule(1, `"tagStatus":"untagged","tagPrefixList":["a"],`+keepTen)), failure + `Cannot specify tagPrefixList with tagStatus untagged`},
		"five stars":                      {aPolicy(aRule(1, `"tagStatus":"tagged","tagPatternList":["a","*a*b*c*d*"],`+keepTen)), failure + `Invalid tag pattern provided. Total number of * must not exceed 4`},
		"two untagged":                    {aPolicy(aRule(1, `"tagStatus":"untagged",`+keepTen), aRule(2, `"tagStatus":"untagged",`+tenDays)), failure + `Only one rule can select Untagged images per storage class.`},
		"two any":                         {aPolicy(aRule(1, anyTen), aRule(2, `"tagStatus":"any",`+tenDays)), failure + `Only one rule can specify tagStatus=ANY`},
		"any before tagged":               {aPolicy(aRule(2, `"tagStatus":"tagged","tagPrefixList":["a"],`+keepTen), aRule(1, anyTen)), failure + `Rule for tagStatus=ANY must have the lowest priority per storage class`},
		"archive with imageCountMoreThan": {aPolicy(aRule(1, `"storageClass":"archive",`+anyTen)), failure + `SINCE_IMAGE_PUSHED, SINCE_IMAGE_PULLED and IMAGE_COUNT_MORE_THAN support the STANDARD storage class only`},
		"archive with sinceImagePushed":   {aPolicy(aRule(1, `"tagStatus":"any","storageClass":"archive",`+tenDays)), failure + `SINCE_IMAGE_PUSHED, SINCE_IMAGE_PULLED and IMAGE_COUNT_MORE_THAN support the STANDARD storage class only`},
		"archive with sinceImagePulled":   {aPolicy(aTransition(1, `"tagStatus":"any","storageClass":"archive",`+unpulled)), failure + `SINCE_IMAGE_PUSHED, SINCE_IMAGE_PULLED and IMAGE_COUNT_MORE_THAN support the STANDARD storage class only`},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := Parse(test.text)
			require.EqualError(t, err, test.want)
			require.Nil(t, policy)
		})
	}
}

// The texts follow those of the validator that ECR uses; ECR's own are not known.
func TestParseRefusesWithSiblingTexts(t *testing.T) {
	anyTen := `"tagStatus":"any",` + keepTen
	for name, test := range map[string]struct{ text, want string }{
		"0 rules":              {aPolicy(), failure + `array is too short: must have at least 1 elements but instance has 0 elements`},
		"unknown key on top":   {`{"version":1,"b&":2,"rules":[` + aRule(1, anyTen) + `]}`, failure + `object instance has properties which are not allowed by the schema: (["b&","version"])`},
		"rule a string":        {aPolicy(`"x"`), failure + `instance type (string) does not match any allowed primitive type (allowed: ["object"])`},
		"rule null":            {aPolicy(`null`), failure + `instance type (null) does not match any allowed primitive type (allowed: ["object"])`},
		"selection an array":   {aPolicy(`{"rulePriority":1,"selection":[],"action":{"type":"expire"}}`), failure + `instance type (array) does not match any allowed primitive type (allowed: ["object"])`},
		"priority a string":    {aPolicy(`{"rulePriority":"1","selection":{` + anyTen + `},"action":{"type":"expire"}}`), failure + `instance type (string) does not match any allowed primitive type (allowed: ["integer"])`},
		"count a fraction":     {aPolicy(aRule(1, `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1.0`)), failure + `instance type (number) does not match any allowed primitive type (allowed: ["integer"])`},
		"count beyond 32 bits": {aPolicy(aRule(1, `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2147483648`)), unmappable},
		"count beyond 64 bits": {aPolicy(aRule(1, `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":99999999999999999999`)), unmappable},
		"description a bool":   {aPolicy(`{"description":true,"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"expire"}}`), failure + `instance type (boolean) does not match any allowed primitive type (allowed: ["string"])`},
		"tagStatus a number":   {aPolicy(aRule(1, `"tagStatus":1,`+keepTen)), failure + `instance type (integer) does not match any allowed primitive type (allowed: ["string"])`},
		"prefixes a string":    {aPolicy(aRule(1, `"tagStatus":"tagged","tagPrefixList":"a",`+keepTen)), failure + `instance type (string) does not match any allowed primitive type (allowed: ["array"])`},
		"prefix an object":     {aPolicy(aRule(1, `"tagStatus":"tagged","tagPrefixList":[{}],`+keepTen)), failure + `instance type (object) does not match any allowed primitive type (allowed: ["string"])`},
		"pattern null":         {aPolicy(aRule(1, `"tagStatus":"tagged","tagPatternList":[null],`+keepTen)), failure + `instance type (null) does not match any allowed primitive type (allowed: ["string"])`},
		"unknown target":       {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"transition","targetStorageClass":"glacier"}}`), failure + `instance value ("glacier") not found in enum (possible values: ["archive"])`},
		"expire with target":   {aPolicy(`{"rulePriority":1,"selection":{` + anyTen + `},"action":{"type":"expire","targetStorageClass":"archive"}}`), unmappable},
		"tagged, empty list":   {aPolicy(aRule(1, `"tagStatus":"tagged","tagPrefixList":[],`+keepTen)), failure + `Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.`},
		"any with patterns":    {aPolicy(aRule(1, `"tagPatternList":["a"],`+anyTen)), failure + `Cannot specify tagPatternList with tagStatus any`},
		"89 days archived":     {aPolicy(aRule(1, strings.Replace(`"tagStatus":"any",`+archived90, "90", "89", 1))), failure + `numeric instance is lower than the required minimum (minimum: 90, found: 89)`},
		"same prefixes": {aPolicy(aRule(1, `"tagStatus":"tagged","tagPrefixList":["a","b"],`+keepTen), aRule(2, `"tagStatus":"tagged","tagPrefixList":["b","a","a"],`+tenDays)),
			failure + `Duplicate tagPrefixList in multiple rules`},
		"same patterns": {aPolicy(aRule(1, `"tagStatus":"tagged","tagPatternList":["a*"],`+keepTen), aRule(2, `"tagStatus":"tagged","tagPatternList":["a*"],`+tenDays)),
			failure + `Duplicate tagPatternList in multiple rules`},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := Parse(test.text)
			require.EqualError(t, err, test.want)
			require.Nil(t, policy)
		})
	}
}

func TestParseAccepts(t *testing.T) {
	fifty := make([]string, 50)
	for i := range fifty {
		fifty[i] = aRule(i+1, fmt.Sprintf(`"tagStatus":"tagged","tagPrefixList":["%d"],`, i)+keepTen)
	}
	for name, text := range map[string]string{
		"count":                     aPolicy(aRule(1, `"tagStatus":"any",`+keepTen)),
		"count, transition":         aPolicy(aTransition(1, `"tagStatus":"any",`+keepTen)),
		"pushed":                    aPolicy(aRule(1, `"tagStatus":"untagged",`+tenDays)),
		"pushed, transition":        aPolicy(aTransition(1, `"tagStatus":"untagged",`+tenDays)),
		"pulled":                    aPolicy(aTransition(1, `"tagStatus":"any","storageClass":"standard",`+unpulled)),
		"90 days in the archive":    aPolicy(aRule(1, `"tagStatus":"any",`+archived90)),
		"50 rules":                  aPolicy(fifty...),
		"largest numbers":           aPolicy(aRule(2147483647, `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2147483647`)),
		"four stars":                aPolicy(aRule(1, `"tagStatus":"tagged","tagPatternList":["*a*b*c*","*"],`+keepTen)),
		"any and untagged by class": aPolicy(aTransition(1, `"tagStatus":"untagged",`+tenDays), aTransition(2, `"tagStatus":"any",`+unpulled), aRule(3, `"tagStatus":"untagged",`+archived90), aRule(4, `"tagStatus":"any",`+archived90)),
		"prefixes by class":         aPolicy(aTransition(1, `"tagStatus":"tagged","tagPrefixList":["a"],`+tenDays), aRule(2, `"tagStatus":"tagged","tagPrefixList":["a"],`+archived90)),
		"prefixes within others":    aPolicy(aRule(1, `"tagStatus":"tagged","tagPrefixList":["a","b"],`+tenDays), aRule(2, `"tagStatus":"tagged","tagPrefixList":["a"],`+keepTen)),
		"rules in any order":        aPolicy(aRule(20, `"tagStatus":"any",`+keepTen), aRule(3, `"tagStatus":"untagged",`+tenDays)),
		"described":                 `{"rules":[{"rulePriority":1,"description":"","selection":{"tagStatus":"any",` + keepTen + `},"action":{"type":"expire"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := Parse(text)
			require.NoError(t, err)
			for i, rule := range policy.rules[1:] {
				require.Less(t, policy.rules[i].priority, rule.priority)
			}
		})
	}
}

func TestCompact(t *testing.T) {
	require.Equal(t, `{"rules":[{"z":1.0,"a":"<b \u00e4 é  "}],"é":-0}`,
		Compact("{\n \"rules\" : [ {\"z\":\t1.0, \"a\": \"<b \\u00e4 é  \"} ],\r\n \"é\" : -0 }\n"))
	require.Equal(t, "{ not JSON", Compact("{ not JSON"))
}

func FuzzParse(f *testing.F) {
	f.Add(aPolicy(aTransition(1, `"tagStatus":"tagged","tagPrefixList":["b","a"],`+tenDays), aRule(2, `"tagStatus":"any",`+archived90)))
	f.Add(aPolicy(aRule(7, `"tagStatus":"tagged", "tagPatternList":["*-rc*","a"],`+keepTen), aTransition(9, `"tagStatus":"any",`+unpulled)))
	f.Add(`{"rules":[null,{"rulePriority":1e3,"selection":null}],"rules":{}} `)
	f.Add(`{} {}`)
	f.Fuzz(func(t *testing.T, text string) {
		policy, err := Parse(text)
		again, errAgain := Parse(Compact(text))
		require.Equal(t, policy, again)
		require.Equal(t, err, errAgain)
		if err != nil {
			require.Regexp(t, `^Lifecycle policy (validation|parsing) failure: .`, err.Error())
			return
		}
		require.True(t, json.Valid([]byte(text)))
		require.NotEmpty(t, policy.rules)
		require.LessOrEqual(t, len(policy.rules), 50)
	})
}
