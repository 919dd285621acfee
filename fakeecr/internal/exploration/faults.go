package exploration

import (
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/scenarios"
)

// Fault is something that can go wrong with a call.
type Fault struct {
	Name string
	// Rules are those by which it goes wrong with a call of the good day: with the nth,
	// from 1, of those that are equal to it. They are nil where it cannot.
	Rules func(call scenarios.Call, nth int) scenarios.Scenario
}

// Faults are those that are tried where nobody chooses others.
func Faults() []Fault {
	return []Fault{
		{"throttled_once", once(ofService, func(r *scenarios.Rule) *scenarios.Rule { return r.Fail(scenarios.Throttled()) })},
		{"throttled", fromThereOn(scenarios.Throttled())},
		{"server_error", once(ofService, func(r *scenarios.Rule) *scenarios.Rule { return r.Fail(serverError) })},
		{"access_denied", fromThereOn(accessDenied)},
		{"credentials_expired", expiring},
		{"connection_reset", once(always, func(r *scenarios.Rule) *scenarios.Rule { return r.Fail(scenarios.ErrConnectionReset) })},
		{"reply_lost", once(writes, (*scenarios.Rule).Drop)},
		{"killed", killed},
		{"minute_late", once(always, func(r *scenarios.Rule) *scenarios.Rule { return r.Delay(time.Minute) })},
		{"stale", once(reads, func(r *scenarios.Rule) *scenarios.Rule { return r.StaleBy(1) })},
		{"item_failed", itemFailed},
		{"short_page", once(always, func(r *scenarios.Rule) *scenarios.Rule { return r.ShortPage(1) })},
		{"empty_page", once(always, (*scenarios.Rule).EmptyPage)},
		{"download_reset", halfWay((*scenarios.Rule).ResetAfter)},
		{"flipped_byte", once(downloads, func(r *scenarios.Rule) *scenarios.Rule { return r.Flip(0) })},
		{"short_layer", halfWay((*scenarios.Rule).Keep)},
		{"slow_down", once(downloads, func(r *scenarios.Rule) *scenarios.Rule { return r.Fail(slowDown) })},
	}
}

var (
	serverError  = &types.ServerException{Message: aws.String("The operation failed because of a server-side issue.")}
	accessDenied = &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User is not authorized to perform this action", Fault: smithy.FaultClient}
	expired      = scenarios.ExpiredToken()
	slowDown     = &scenarios.Response{Status: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {"application/xml"}},
		Body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`}
)

func always(scenarios.Call) bool { return true }

// ofService tells whether the API answers the call, and not S3.
func ofService(call scenarios.Call) bool { return call.Operation != scenarios.DownloadLayer }

func downloads(call scenarios.Call) bool { return call.Operation == scenarios.DownloadLayer }

func reads(call scenarios.Call) bool {
	return slices.Contains(scenarios.Operations(scenarios.Reads), call.Operation)
}

func writes(call scenarios.Call) bool { return !reads(call) }

// rules is a scenario, or nothing where it cannot be played: where an effect cannot
// be put on the operation.
func rules(all ...*scenarios.Rule) scenarios.Scenario {
	if scenarios.Scenario(all).Check() != nil {
		return nil
	}
	return all
}

// once is an effect on one call, of those that meet a condition.
func once(of func(scenarios.Call) bool, effect func(*scenarios.Rule) *scenarios.Rule) func(scenarios.Call, int) scenarios.Scenario {
	return func(call scenarios.Call, nth int) scenarios.Scenario {
		if !of(call) {
			return nil
		}
		return rules(effect(scenarios.On(call.Operation, scenarios.Same(call.Identity())).Nth(nth)))
	}
}

// then is what goes wrong with one call, by a rule that moves the scenario on, and with
// the calls of some operations behind it.
func then(call scenarios.Call, nth int, first func(*scenarios.Rule) *scenarios.Rule, behind string, err error) scenarios.Scenario {
	return rules(
		first(scenarios.On(call.Operation, scenarios.Same(call.Identity()), scenarios.While("")).Nth(nth)).Then("since"),
		scenarios.On(behind, scenarios.While("since")).Fail(err).Optional(),
	)
}

func failing(err error) func(*scenarios.Rule) *scenarios.Rule {
	return func(r *scenarios.Rule) *scenarios.Rule { return r.Fail(err) }
}

// fromThereOn refuses the call and all of its operation behind it.
func fromThereOn(err error) func(scenarios.Call, int) scenarios.Scenario {
	return func(call scenarios.Call, nth int) scenarios.Scenario {
		if !ofService(call) {
			return nil
		}
		return then(call, nth, failing(err), call.Operation, err)
	}
}

func expiring(call scenarios.Call, nth int) scenarios.Scenario {
	if !ofService(call) {
		return nil
	}
	return then(call, nth, failing(expired), scenarios.Any, expired)
}

// killedName is the fault of a process that is killed: what it says counts for
// nothing.
const killedName = "killed"

func killed(call scenarios.Call, nth int) scenarios.Scenario {
	if !writes(call) {
		return nil
	}
	return then(call, nth, (*scenarios.Rule).Drop, scenarios.Any, scenarios.ErrConnectionRefused)
}

// failures are what an item of a batch fails with.
var failures = map[string]string{
	"BatchCheckLayerAvailability":             "InvalidLayerDigest",
	"BatchDeleteImage":                        "KmsError",
	"BatchGetImage":                           "KmsError",
	"BatchGetRepositoryScanningConfiguration": "REPOSITORY_NOT_FOUND",
}

func itemFailed(call scenarios.Call, nth int) scenarios.Scenario {
	code, batch := failures[call.Operation]
	if !batch {
		return nil
	}
	return once(always, func(r *scenarios.Rule) *scenarios.Rule { return r.FailItem(1, code, "explored") })(call, nth)
}

// halfWay is an effect on a download behind half of its bytes.
func halfWay(effect func(*scenarios.Rule, int64) *scenarios.Rule) func(scenarios.Call, int) scenarios.Scenario {
	return func(call scenarios.Call, nth int) scenarios.Scenario {
		return once(downloads, func(r *scenarios.Rule) *scenarios.Rule { return effect(r, call.Bytes/2) })(call, nth)
	}
}
