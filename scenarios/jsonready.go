package scenarios

import (
	"slices"
	"time"

	"github.com/fakeecr/ecr/scenarios/internal/form"
)

// arguments are those of ready-made scenarios.
type arguments struct {
	operation, repository, tag, digest, region string
	times, after, within                       int
	lag, delay, slow                           time.Duration
	where                                      []Condition
}

// ready is a ready-made scenario as it stands in JSON, under its name in Go and
// with the arguments that it takes.
type ready struct {
	name, says string
	takes      []form.Property[arguments]
	of         func(arguments) Scenario
}

// readyMade are all of them, in the order of their names.
func (t *table) readyMade() []ready {
	argument := func(name, says string, f form.Of[string], set func(*arguments, string)) form.Property[arguments] {
		return form.Member(name, says, f, nil, func(a arguments, s string) arguments { set(&a, s); return a }).Needed()
	}
	wait := func(name, says string, set func(*arguments, time.Duration)) form.Property[arguments] {
		return form.Member(name, says, form.Positive, nil, func(a arguments, d time.Duration) arguments { set(&a, d); return a }).Needed()
	}
	operation := argument("operation", "The operation, or a group of them.", operationNames(), func(a *arguments, s string) { a.operation = s })
	called := argument("operation", "The operation, or a group of them.", callNames(), func(a *arguments, s string) { a.operation = s })
	repository := argument("repository", "The repository; * stands for any characters.", form.Word, func(a *arguments, s string) { a.repository = s })
	tag := argument("tag", "The tag; * stands for any characters.", form.Word, func(a *arguments, s string) { a.tag = s })
	digest := argument("digest", "The digest of the layer.", form.Word, func(a *arguments, s string) { a.digest = s })
	region := argument("region", "The region.", form.Word, func(a *arguments, s string) { a.region = s })
	times := form.Member("times", "How many calls it meets.", form.Whole(1), nil, func(a arguments, n int) arguments { a.times = n; return a }).Needed()
	after := form.Member("after", "It leaves so many calls alone.", form.Whole(1), nil, func(a arguments, n int) arguments { a.after = n; return a })
	where := t.conditions()
	narrowed := form.Property[arguments]{Described: where.Described, Read: func(a arguments, v form.Value) (arguments, error) {
		r, err := where.Read(&Rule{}, v)
		a.where = r.conditions
		return a, err
	}}
	takes := func(arguments ...form.Property[arguments]) []form.Property[arguments] { return arguments }
	return []ready{
		{"BlockedByOrganization", "An organization's policy refuses each PutRegistryScanningConfiguration.", nil,
			func(a arguments) Scenario { return BlockedByOrganization() }},
		{"ClockSkew", "The first call is refused as signed too long ago. It has no JSON as rules.",
			takes(wait("slow", "How slow the caller's clock is.", func(a *arguments, d time.Duration) { a.slow = d })),
			func(a arguments) Scenario { return ClockSkew(a.slow) }},
		{"CorruptLayer", "The first byte of a layer is changed the first time that it is downloaded.", takes(digest),
			func(a arguments) Scenario { return CorruptLayer(a.digest) }},
		{"CredentialsExpired", "Every call is refused with ExpiredTokenException, or those behind the first ones.", takes(after),
			func(a arguments) Scenario { return CredentialsExpired(a.after) }},
		{"EndlessScan", "Basic scans do not end until the playing is released.", takes(repository),
			func(a arguments) Scenario { return EndlessScan(a.repository) }},
		{"EventualConsistency", "Reads of a repository's images answer from the state of a while ago.",
			takes(repository, wait("lag", "How old the state is.", func(a *arguments, d time.Duration) { a.lag = d })),
			func(a arguments) Scenario { return EventualConsistency(a.repository, a.lag) }},
		{"Fault", "The first calls of an operation are refused with ServerException.", takes(operation, times),
			func(a arguments) Scenario { return Fault(a.operation, a.times) }},
		{"FlakyPull", "Each second layer download is reset after 100 bytes.", takes(repository),
			func(a arguments) Scenario { return FlakyPull(a.repository) }},
		{"Killed", "The first call of an operation is carried out, its reply is lost and nothing gets through behind it.", takes(called),
			func(a arguments) Scenario { return Killed(a.operation) }},
		{"LostReply", "The first call of an operation is carried out and its reply is lost.", takes(called),
			func(a arguments) Scenario { return LostReply(a.operation) }},
		{"LostUpload", "Uploads are forgotten at their first part, until one is begun anew.", takes(repository),
			func(a arguments) Scenario { return LostUpload(a.repository) }},
		{"NotThereYet", "Calls on a repository that was made a while ago or less are refused with RepositoryNotFoundException.",
			takes(repository, wait("lag", "How long the repository is not there.", func(a *arguments, d time.Duration) { a.lag = d })),
			func(a arguments) Scenario { return NotThereYet(a.repository, a.lag) }},
		{"QuotaReached", "Each call of an operation is refused with LimitExceededException.", takes(operation),
			func(a arguments) Scenario { return QuotaReached(a.operation) }},
		{"RealQuotas", "What comes faster than ECR takes it by default is throttled.", takes(narrowed),
			func(a arguments) Scenario { return RealQuotas(a.where...) }},
		{"ReferrersUnavailable", "Each ListImageReferrers of a repository is refused, as if its upstream could not be asked.", takes(repository),
			func(a arguments) Scenario { return ReferrersUnavailable(a.repository) }},
		{"RegionOutage", "All calls to a region are answered with 503.", takes(region),
			func(a arguments) Scenario { return RegionOutage(a.region) }},
		{"ReplicationOutage", "The replication of images to a region fails.", takes(region),
			func(a arguments) Scenario { return ReplicationOutage(a.region) }},
		{"SlowRegistry", "Every call is delayed, and layers come at 64 KiB a second.",
			takes(wait("delay", "How long each call waits.", func(a *arguments, d time.Duration) { a.delay = d })),
			func(a arguments) Scenario { return SlowRegistry(a.delay) }},
		{"TagRace", "Two PutImage of one tag wait for each other.", takes(repository, tag),
			func(a arguments) Scenario { return TagRace(a.repository, a.tag) }},
		{"Throttle", "The first calls of an operation are throttled.", takes(operation, times),
			func(a arguments) Scenario { return Throttle(a.operation, a.times) }},
		{"TokenExpires", "The session that pushes ends after some layer parts, until GetAuthorizationToken.", takes(after.Needed()),
			func(a arguments) Scenario { return TokenExpires(a.after) }},
	}
}

// object is the JSON of a ready-made scenario.
func (r ready) object() form.Object[arguments] {
	name := form.Member("ready", "The name of the scenario.", form.OneOf(r.name), nil, func(a arguments, _ string) arguments { return a }).Needed()
	within := form.Member("within", "How often its rules fire in all.", form.Whole(1), nil, func(a arguments, n int) arguments { a.within = n; return a })
	return form.Object[arguments]{Members: slices.Concat([]form.Property[arguments]{name}, r.takes, []form.Property[arguments]{within})}
}

// readScenario reads rules, or a ready-made scenario by its name.
func (t *table) readScenario(v form.Value) (Scenario, error) {
	at := slices.IndexFunc(v.Keys, func(key form.Value) bool { return key.Text == "ready" })
	if at < 0 {
		return t.scenario.Read(nil, v)
	}
	names := make([]string, len(t.ready))
	for i, r := range t.ready {
		names[i] = r.name
	}
	name, err := form.OneOf(names...).Read(v.Items[at])
	if err != nil {
		return nil, form.Within(v.Items[at], "ready", err)
	}
	ready := t.ready[slices.Index(names, name)]
	a, err := ready.object().Read(arguments{}, v)
	if err != nil {
		return nil, err
	}
	scenario := ready.of(a)
	if a.within > 0 {
		scenario = scenario.Within(a.within)
	}
	return scenario, nil
}
