package policy

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func withCondition(version, operator, values string) string {
	return fmt.Sprintf(`{"Version":%q,"Statement":{"Effect":"Allow","Principal":"*","Action":"ecr:*","Condition":{%q:{"aws:Key":%s}}}}`,
		version, operator, values)
}

func decide(t *testing.T, text string, context map[string][]string) Decision {
	t.Helper()
	d, err := ParseRepository(text, "aws")
	require.NoError(t, err, "%s: %v", text, errors.Unwrap(err))
	return d.Decide(Request{Action: "ecr:PutImage", Context: func(key string) ([]string, bool) {
		values, ok := context[key]
		return values, ok
	}})
}

func TestOperators(t *testing.T) {
	for _, test := range []struct {
		operator, values string
		holds            []string
		fails            []string
	}{
		{"StringEquals", `"o-1"`, []string{"o-1"}, []string{"o-12", "O-1", ""}},
		{"StringEquals", `["a","b"]`, []string{"a", "b"}, []string{"c"}},
		{"StringEquals", `"a*"`, []string{"a*"}, []string{"ab"}},
		{"StringNotEquals", `["a","b"]`, []string{"c", "A"}, []string{"a", "b"}},
		{"StringEqualsIgnoreCase", `"Team"`, []string{"team", "TEAM"}, []string{"teams"}},
		{"StringNotEqualsIgnoreCase", `"Team"`, []string{"teams"}, []string{"team"}},
		{"StringLike", `["a*","?b"]`, []string{"abc", "xb"}, []string{"b", "xxb", "A"}},
		{"StringLike", `"a${*}"`, []string{"a*"}, []string{"ab"}},
		{"StringNotLike", `"a*"`, []string{"b"}, []string{"a", "ab"}},
		{"ArnEquals", `"arn:aws:iam::*:role/x"`, []string{"arn:aws:iam::1:role/x"}, []string{"arn:aws:iam::1:role/y", "x"}},
		{"ArnLike", `"arn:aws:ecr:*:*:repository/team/*"`, []string{"arn:aws:ecr:r:1:repository/team/app"}, []string{"arn:aws:ecr:r:1:repository/other"}},
		{"ArnLike", `"*"`, []string{"arn:aws:iam::1:root"}, nil},
		{"ArnNotEquals", `"arn:aws:iam::1:root"`, []string{"arn:aws:iam::2:root"}, []string{"arn:aws:iam::1:root"}},
		{"ArnNotLike", `"arn:aws:iam::*:root"`, []string{"arn:aws:iam::2:user/a"}, []string{"arn:aws:iam::1:root"}},
		{"Bool", `"true"`, []string{"true", "True"}, []string{"false", "yes"}},
		{"Bool", `false`, []string{"false"}, []string{"true"}},
		{"NumericEquals", `10`, []string{"10", "10.0", "1e1"}, []string{"11", "x"}},
		{"NumericNotEquals", `"10"`, []string{"11"}, []string{"10"}},
		{"NumericLessThan", `"3600"`, []string{"3599.5", "-1"}, []string{"3600", "3601", "x"}},
		{"NumericLessThanEquals", `"3600"`, []string{"3600"}, []string{"3601"}},
		{"NumericGreaterThan", `"9"`, []string{"10"}, []string{"9", "8"}},
		{"NumericGreaterThanEquals", `"9"`, []string{"9", "10"}, []string{"8"}},
		{"DateEquals", `"2026-01-02"`, []string{"2026-01-02T00:00:00Z", "1767312000"}, []string{"2026-01-02T00:00:01Z"}},
		{"DateNotEquals", `"2026-01"`, []string{"2026-01-02T00:00:00Z"}, []string{"2026-01-01T00:00:00Z"}},
		{"DateLessThan", `"2026-01-02T03:04:05Z"`, []string{"2026-01-02T03:04:04.999Z", "2026-01-02T04:04:04+01:00"}, []string{"2026-01-02T03:04:05Z", "x"}},
		{"DateLessThanEquals", `"2026-01-02T03:04Z"`, []string{"2026-01-02T03:04:00Z"}, []string{"2026-01-02T03:04:01Z"}},
		{"DateGreaterThan", `1767312000`, []string{"2026-01-02T00:00:01Z"}, []string{"2026-01-02T00:00:00Z"}},
		{"DateGreaterThanEquals", `"2026-01-02"`, []string{"2026-01-02T00:00:00Z"}, []string{"2026-01-01T23:59:59Z"}},
		{"IpAddress", `["203.0.113.0/24","2001:db8::/32"]`, []string{"203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1"}, []string{"203.0.114.1", "x"}},
		{"IpAddress", `"203.0.113.7"`, []string{"203.0.113.7"}, []string{"203.0.113.8"}},
		{"NotIpAddress", `"203.0.113.0/24"`, []string{"203.0.114.1"}, []string{"203.0.113.7"}},
		{"Null", `"false"`, []string{"x"}, nil},
		{"Null", `true`, nil, []string{"x"}},
		{"StringEqualsIfExists", `"a"`, []string{"a"}, []string{"b"}},
		{"ForAnyValue:StringEquals", `"a"`, []string{"a"}, []string{"b"}},
		{"ForAllValues:StringLikeIfExists", `"a*"`, []string{"ab"}, []string{"b"}},
	} {
		text := withCondition("2012-10-17", test.operator, test.values)
		for _, value := range test.holds {
			require.Equal(t, Allow, decide(t, text, map[string][]string{"aws:key": {value}}), "%s on %s", text, value)
		}
		for _, value := range test.fails {
			require.Equal(t, NoMatch, decide(t, text, map[string][]string{"aws:key": {value}}), "%s on %s", text, value)
		}
	}
}

func TestAbsentKey(t *testing.T) {
	for operator, values := range map[string]string{
		"StringEquals": `"a"`, "StringLike": `"*"`, "ArnLike": `"*"`, "Bool": `"false"`, "NumericLessThan": `1`,
		"DateLessThan": `"2026-01-01"`, "IpAddress": `"0.0.0.0/0"`,
		"ForAnyValue:StringEquals": `"a"`, "ForAnyValue:StringNotEquals": `"a"`,
	} {
		require.Equal(t, NoMatch, decide(t, withCondition("2012-10-17", operator, values), nil), operator)
		require.Equal(t, Allow, decide(t, withCondition("2012-10-17", operator+"IfExists", values), nil), operator)
	}
	for operator, values := range map[string]string{
		"StringNotEquals": `"a"`, "StringNotLike": `"*"`, "StringNotEqualsIgnoreCase": `"a"`, "ArnNotLike": `"*"`, "ArnNotEquals": `"*"`,
		"NumericNotEquals": `1`, "DateNotEquals": `"2026-01-01"`, "NotIpAddress": `"0.0.0.0/0"`,
		"Null": `"true"`, "ForAllValues:StringEquals": `"a"`, "ForAllValues:StringNotEquals": `"a"`,
	} {
		text := withCondition("2012-10-17", operator, values)
		require.Equal(t, Allow, decide(t, text, nil), operator)
		require.Equal(t, Allow, decide(t, text, map[string][]string{"aws:key": {}}), operator)
	}
	require.Equal(t, NoMatch, decide(t, withCondition("2012-10-17", "Null", `"false"`), nil))
}

func TestSetOperators(t *testing.T) {
	for _, test := range []struct {
		operator string
		values   []string
		want     Decision
	}{
		{"ForAllValues:StringEquals", []string{"a", "b"}, Allow},
		{"ForAllValues:StringEquals", []string{"a", "x"}, NoMatch},
		{"ForAllValues:StringNotEquals", []string{"x", "y"}, Allow},
		{"ForAllValues:StringNotEquals", []string{"a", "x"}, NoMatch},
		{"ForAnyValue:StringEquals", []string{"a", "x"}, Allow},
		{"ForAnyValue:StringEquals", []string{"x", "y"}, NoMatch},
		{"ForAnyValue:StringNotEquals", []string{"a", "x"}, Allow},
		{"ForAnyValue:StringNotEquals", []string{"a", "b"}, NoMatch},
		{"StringEquals", []string{"a", "x"}, Allow},
		{"StringNotEquals", []string{"a", "x"}, NoMatch},
		{"StringNotEquals", []string{"x", "y"}, Allow},
	} {
		text := withCondition("2012-10-17", test.operator, `["a","b"]`)
		require.Equal(t, test.want, decide(t, text, map[string][]string{"aws:key": test.values}), "%s on %s", test.operator, test.values)
	}
}

func TestConditionsAreAllRequired(t *testing.T) {
	const text = `{"Statement":{"Effect":"Allow","Principal":"*","Action":"ecr:*","Condition":{
		"StringEquals":{"aws:PrincipalOrgID":"o-1","ecr:ResourceTag/Team":"a"},
		"Bool":{"aws:SecureTransport":true}}}}`
	full := map[string][]string{"aws:principalorgid": {"o-1"}, "ecr:resourcetag/team": {"a"}, "aws:securetransport": {"true"}}
	require.Equal(t, Allow, decide(t, text, full))
	for missing := range full {
		part := map[string][]string{}
		for key, values := range full {
			if key != missing {
				part[key] = values
			}
		}
		require.Equal(t, NoMatch, decide(t, text, part), missing)
	}
}

func TestVariablesInConditions(t *testing.T) {
	const variable = `"${aws:PrincipalTag/team}"`
	context := map[string][]string{"aws:key": {"red"}, "aws:principaltag/team": {"red"}}
	require.Equal(t, Allow, decide(t, withCondition("2012-10-17", "StringEquals", variable), context))
	require.Equal(t, NoMatch, decide(t, withCondition("2012-10-17", "StringNotEquals", variable), context))
	require.Equal(t, NoMatch, decide(t, withCondition("2008-10-17", "StringEquals", variable), context))

	unknown := map[string][]string{"aws:key": {""}}
	require.Equal(t, NoMatch, decide(t, withCondition("2012-10-17", "StringEquals", variable), unknown))
	require.Equal(t, NoMatch, decide(t, withCondition("2012-10-17", "StringLike", variable), unknown))

	tricky := map[string][]string{"aws:key": {"red"}, "aws:principaltag/team": {"*"}}
	require.Equal(t, NoMatch, decide(t, withCondition("2012-10-17", "StringLike", variable), tricky))

	role := map[string][]string{"aws:key": {"arn:aws:iam::1:role/R"}, "aws:principalaccount": {"1"}}
	require.Equal(t, Allow, decide(t, withCondition("2012-10-17", "ArnLike", `"arn:aws:iam::${aws:PrincipalAccount}:role/*"`), role))
}

func TestConditionsThatAreRefused(t *testing.T) {
	for _, test := range []struct{ operator, values string }{
		{"stringEquals", `"a"`},
		{"StringEqual", `"a"`},
		{"BinaryEquals", `"YQ=="`},
		{"IfExists", `"a"`},
		{"ForAnyValue:", `"a"`},
		{"ForSomeValue:StringEquals", `"a"`},
		{"ForAllValues:ForAnyValue:StringEquals", `"a"`},
		{"StringEqualsIfExistsIfExists", `"a"`},
		{"NullIfExists", `"true"`},
		{"ForAnyValue:Null", `"true"`},
		{"Null", `"yes"`},
		{"Bool", `["true","1"]`},
		{"NumericEquals", `"ten"`},
		{"NumericEquals", `"NaN"`},
		{"NumericEquals", `"Inf"`},
		{"NumericLessThan", `1e999`},
		{"NumericEquals", `"${aws:Number}"`},
		{"DateEquals", `"tomorrow"`},
		{"DateEquals", `"2026-13-01"`},
		{"IpAddress", `"203.0.113.0/33"`},
		{"IpAddress", `"localhost"`},
		{"NotIpAddress", `["203.0.113.0/24","x"]`},
		{"ArnLike", `"role/R"`},
		{"ArnLike", `"arn:aws:iam::*"`},
		{"ArnEquals", `"aws:arn:iam::1:root"`},
		{"StringEquals", `"${aws:username"`},
		{"StringLike", `"${username}"`},
	} {
		_, err := ParseRepository(withCondition("2012-10-17", test.operator, test.values), "aws")
		require.EqualError(t, err, "Invalid repository policy provided", "%s %s", test.operator, test.values)
	}
	for _, key := range []string{"", "PrincipalArn", ":x", "aws:", "aws:${aws:username}", "aws:Principal*"} {
		_, err := ParseRepository(fmt.Sprintf(`{"Statement":{%s,"Condition":{"StringEquals":{%q:"a"}}}}`, pull, key), "aws")
		require.EqualError(t, err, "Invalid repository policy provided", key)
	}
}
