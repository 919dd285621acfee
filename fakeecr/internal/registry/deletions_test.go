package registry_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// post sends a body to a registry's API, for what the SDK's types cannot say.
func post(t *testing.T, f faces.Face, operation, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "https://api.ecr."+f.Registry.Region()+".amazonaws.com/", strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("X-Amz-Target", faces.Target+operation)
	response, err := f.Registry.Transport().RoundTrip(request)
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// replicatingRule is a rule as JSON, with more members after its destination.
func replicatingRule(region, account, more string) string {
	return fmt.Sprintf(`{"destinations":[{"region":%q,"registryId":%q}]%s}`, region, account, more)
}

const deleting = `,"deleteReplication":{"enabled":true}`

func putRules(t *testing.T, f faces.Face, rules ...string) (status int, answer string) {
	t.Helper()
	return post(t, f, "PutReplicationConfiguration", `{"replicationConfiguration":{"rules":[`+strings.Join(rules, ",")+`]}}`)
}

func replicateDeletions(t *testing.T, f faces.Face, rules ...string) {
	t.Helper()
	status, answer := putRules(t, f, rules...)
	require.Equal(t, http.StatusOK, status, answer)
}

func deleteImages(t *testing.T, f faces.Face, repository string, ids ...types.ImageIdentifier) {
	t.Helper()
	out, err := f.BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{RepositoryName: &repository, ImageIds: ids})
	require.NoError(t, err)
	require.Empty(t, out.Failures)
}

func TestDeleteReplicationIsKeptAndShown(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		rules := []string{
			replicatingRule("eu-west-1", replicationSource, ""),
			replicatingRule("eu-west-2", replicationSource, deleting),
			replicatingRule("eu-west-3", replicationSource, `,"repositoryFilters":[{"filter":"prod","filterType":"PREFIX_MATCH"}],"deleteReplication":{"enabled":false}`),
		}
		shown := `{"replicationConfiguration":{"rules":[` + strings.Join(rules, ",") + `]}`
		_, answer := putRules(t, f, rules...)
		require.JSONEq(t, shown+`}`, answer)
		for _, f := range []faces.Face{f, faces.Direct(f.Registry.Fork(t))} {
			status, answer := post(t, f, "DescribeRegistry", `{}`)
			require.Equal(t, http.StatusOK, status)
			require.JSONEq(t, shown+`,"registryId":"123456789012"}`, answer)
		}

		out, err := f.DescribeRegistry(t.Context(), &ecr.DescribeRegistryInput{})
		require.NoError(t, err, "the SDK's client reads past what it does not know")
		_, err = putReplicationRules(t, f, out.ReplicationConfiguration.Rules)
		require.NoError(t, err)
		_, answer = post(t, f, "DescribeRegistry", `{}`)
		require.NotContains(t, answer, "deleteReplication", "a configuration is replaced as a whole")
	})
}

func TestDeleteReplicationIsChecked(t *testing.T) {
	const invalid = "Invalid parameter at 'replicationConfiguration.rules.2.member.deleteReplication.enabled' failed to satisfy constraint: 'Member must not be null'"
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateDeletions(t, f, replicatingRule("eu-west-1", replicationSource, deleting))
		for setting, want := range map[string][2]string{
			`{}`:               {"InvalidParameterException", invalid},
			`{"enabled":null}`: {"InvalidParameterException", invalid},
			`{"enabled":"on"}`: {"SerializationException", "'replicationConfiguration.rules.2.member.deleteReplication.enabled' must be a boolean, not a string"},
			`[]`:               {"SerializationException", "'replicationConfiguration.rules.2.member.deleteReplication' must be an object, not a list"},
		} {
			status, answer := putRules(t, f, replicatingRule("eu-west-1", replicationSource, ""), replicatingRule("eu-west-2", replicationSource, `,"deleteReplication":`+setting))
			var refusal struct{ Type, Message string }
			require.NoError(t, json.Unmarshal([]byte(strings.Replace(answer, "__type", "type", 1)), &refusal))
			require.Equal(t, want, [2]string{refusal.Type, refusal.Message})
			require.Equal(t, http.StatusBadRequest, status)
		}
		_, answer := putRules(t, f, replicatingRule("eu-west-1", replicationSource, `,"deleteReplication":{}`), `{"destinations":[{"region":"eu-west-2"}]}`)
		require.Contains(t, answer, `'replicationConfiguration.rules.2.member.destinations.1.member.registryId'`, "what the SDK's types have comes first")
		_, answer = post(t, f, "DescribeRegistry", `{}`)
		require.Contains(t, answer, `"deleteReplication":{"enabled":true}`, "a refused put changes nothing")
	})
}

func TestDeletionsAreReplicated(t *testing.T) {
	one, two := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
	for name, test := range map[string]struct {
		rule    string
		removed []types.ImageIdentifier
		left    map[string][]string
	}{
		"a tag of several":           {deleting, faces.Tagged("v1"), map[string][]string{one.Digest(): {"there", "v2"}, two.Digest(): {"other"}}},
		"the last tag":               {deleting, faces.Tagged("other"), map[string][]string{one.Digest(): {"there", "v1", "v2"}}},
		"all tags, one by one":       {deleting, faces.Tagged("v1", "v2"), map[string][]string{two.Digest(): {"other"}}},
		"a digest":                   {deleting, []types.ImageIdentifier{*faces.DigestID(one.Digest())}, map[string][]string{two.Digest(): {"other"}}},
		"the rule's filters fit":     {deleting + `,"repositoryFilters":[{"filter":"ap","filterType":"PREFIX_MATCH"}]`, faces.Tagged("other"), map[string][]string{one.Digest(): {"there", "v1", "v2"}}},
		"the rule says no":           {`,"deleteReplication":{"enabled":false}`, faces.Tagged("v1", "v2", "other"), map[string][]string{one.Digest(): {"there", "v1", "v2"}, two.Digest(): {"other"}}},
		"the rule says nothing":      {``, faces.Tagged("v1", "v2", "other"), map[string][]string{one.Digest(): {"there", "v1", "v2"}, two.Digest(): {"other"}}},
		"another rule's destination": {`},{"destinations":[{"region":"eu-west-2","registryId":"123456789012"}]` + deleting, faces.Tagged("v1", "v2", "other"), map[string][]string{one.Digest(): {"there", "v1", "v2"}, two.Digest(): {"other"}}},
		"another rule's filter":      {`},{"destinations":[{"region":"eu-west-1","registryId":"123456789012"}],"repositoryFilters":[{"filter":"prod","filterType":"PREFIX_MATCH"}]` + deleting, faces.Tagged("other"), map[string][]string{one.Digest(): {"there", "v1", "v2"}, two.Digest(): {"other"}}},
	} {
		t.Run(name, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				replicateDeletions(t, f, replicatingRule("eu-west-1", replicationSource, test.rule))
				there := f.In("eu-west-1")
				f.Registry.MustPush("app:v1", one)
				tagAgain(t, f, "app", one, "v2")
				f.Registry.MustPush("app:other", two)
				f.Registry.Advance(arrivalLag)
				tagAgain(t, there, "app", one, "there")
				before := heldIn(t, there, "app")

				deleteImages(t, f, "app", test.removed...)
				require.Equal(t, before, heldIn(t, there, "app"), "it takes the time that a push takes")
				f.Registry.Advance(arrivalLag)
				require.Equal(t, test.left, heldIn(t, there, "app"))
			})
		})
	}
}

func TestDeletionsThatDoNotArrive(t *testing.T) {
	image := fakeecr.RandomImage(1, 100)
	faces.Each(t, func(t *testing.T, f faces.Face) {
		there := f.In("eu-west-1")
		replicateDeletions(t, f, replicatingRule("eu-west-1", replicationSource, deleting))
		replicateDeletions(t, there, replicatingRule("eu-west-2", replicationSource, deleting))

		t.Run("a tag that is another image's there", func(t *testing.T) {
			f.Registry.MustPush("moved:v1", image)
			tagAgain(t, f, "moved", image, "v2")
			f.Registry.Advance(arrivalLag)
			other := fakeecr.RandomImage(2, 100)
			there.Registry.MustPush("moved:v1", other)
			deleteImages(t, f, "moved", faces.Tagged("v1")...)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, map[string][]string{image.Digest(): {"v2"}, other.Digest(): {"v1"}}, heldIn(t, there, "moved"))
		})
		t.Run("an image that an index there holds", func(t *testing.T) {
			f.Registry.MustPush("indexed:v1", image)
			f.Registry.Advance(arrivalLag)
			index := faces.IndexOf(image)
			there.Registry.MustPush("indexed:all", index)
			deleteImages(t, f, "indexed", faces.Tagged("v1")...)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, map[string][]string{image.Digest(): {"v1"}, index.Digest(): {"all"}}, heldIn(t, there, "indexed"))
		})
		t.Run("an image that was pushed again", func(t *testing.T) {
			f.Registry.MustPush("again:v1", image)
			f.Registry.Advance(arrivalLag)
			deleteImages(t, f, "again", faces.Tagged("v1")...)
			f.Registry.MustPush("again:v1", image)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, map[string][]string{image.Digest(): {"v1"}}, heldIn(t, there, "again"))
		})
		t.Run("a repository with all that is in it", func(t *testing.T) {
			f.Registry.MustPush("whole:v1", image)
			f.Registry.Advance(arrivalLag)
			_, err := f.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: aws.String("whole"), Force: true})
			require.NoError(t, err)
			f.Registry.Advance(arrivalLag)
			require.Equal(t, map[string][]string{image.Digest(): {"v1"}}, heldIn(t, there, "whole"))
		})
		t.Run("beyond one hop", func(t *testing.T) {
			further := f.In("eu-west-2")
			further.Registry.MustPush("hop:v1", image)
			f.Registry.MustPush("hop:v1", image)
			f.Registry.Advance(arrivalLag)
			deleteImages(t, f, "hop", faces.Tagged("v1")...)
			f.Registry.Advance(2 * arrivalLag)
			require.Empty(t, heldIn(t, there, "hop"))
			require.Equal(t, map[string][]string{image.Digest(): {"v1"}}, heldIn(t, further, "hop"))
		})
	})
}

func TestExpiryIsReplicated(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		replicateDeletions(t, f, replicatingRule("eu-west-1", replicationSource, deleting))
		old, young := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		f.Registry.MustPush("app:v1", old)
		f.Registry.Advance(arrivalLag)
		f.Registry.MustPush("app:v2", young)
		f.Registry.Advance(arrivalLag)
		_, err := f.PutLifecyclePolicy(t.Context(), &ecr.PutLifecyclePolicyInput{RepositoryName: aws.String("app"), LifecyclePolicyText: aws.String(
			`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`)})
		require.NoError(t, err)
		require.NoError(t, f.Registry.RunLifecycle("app"))
		f.Registry.Advance(arrivalLag)
		require.Equal(t, map[string][]string{young.Digest(): {"v2"}}, heldIn(t, f, "app"))
		require.Equal(t, map[string][]string{young.Digest(): {"v2"}}, heldIn(t, f.In("eu-west-1"), "app"))
	})
}

// Across accounts a deletion needs what a push does: ecr:ReplicateImage.
func TestDeletionsAcrossAccounts(t *testing.T) {
	faces.Each(t, func(t *testing.T, f faces.Face) {
		there := f.Account(faces.Other)
		replicateDeletions(t, f, replicatingRule("us-east-1", faces.Other, deleting))
		allow := func(actions string) {
			_, err := there.PutRegistryPolicy(t.Context(), &ecr.PutRegistryPolicyInput{PolicyText: aws.String(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + replicationSource + `:root"},"Action":` + actions + `,"Resource":"*"}]}`)})
			require.NoError(t, err)
		}
		allow(`["ecr:ReplicateImage","ecr:CreateRepository"]`)
		one, two := fakeecr.RandomImage(1, 100), fakeecr.RandomImage(2, 100)
		f.Registry.MustPush("app:v1", one)
		f.Registry.MustPush("app:v2", two)
		f.Registry.Advance(arrivalLag)
		deleteImages(t, f, "app", faces.Tagged("v1")...)
		f.Registry.Advance(arrivalLag)
		require.Equal(t, map[string][]string{two.Digest(): {"v2"}}, heldIn(t, there, "app"))

		allow(`["ecr:CreateRepository"]`)
		deleteImages(t, f, "app", faces.Tagged("v2")...)
		f.Registry.Advance(arrivalLag)
		require.Equal(t, map[string][]string{two.Digest(): {"v2"}}, heldIn(t, there, "app"))
	})
}
