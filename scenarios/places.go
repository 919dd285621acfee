package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// placement says which operations effects can be put on.
type placement struct {
	// members are the effects by their names in JSON.
	members []string
	on      []string
	// where is on in words, if it is not to be listed.
	where string
	// silent tells that it is about outcomes that are nothing the service says.
	silent bool
}

// callsOnly is where an effect can be put that needs a caller who waits.
const callsOnly = "calls, not on what the world does by itself"

// places are those of effects that cannot be put on all operations.
var places = []placement{
	{members: []string{"failItem"}, on: slices.Sorted(maps.Keys(failureCodes))},
	{members: []string{"shortPage", "emptyPage"}, on: paged(), where: "lists that come in pages"},
	{members: []string{"reserialise"}, on: []string{"BatchGetImage"}},
	{members: []string{"flip", "keep"}, on: []string{DownloadLayer}},
	{members: []string{"garble"}, on: []string{"UploadLayerPart"}},
	{members: []string{"stale"}, on: groups()[Reads]},
	{members: []string{"notThereFor"}, on: groups()[Any], where: "calls of ECR"},
	{members: []string{"together", "rate"}, on: append(calls(), PullFromUpstream), where: callsOnly},
	{members: []string{"twice", "around", "change"}, on: calls(), where: callsOnly},
	{members: []string{"stall", "trickle", "cutAfter", "resetAfter", "drop"}, on: calls(), where: callsOnly},
	{members: []string{"fail", "sequence"}, on: calls(), where: callsOnly, silent: true},
}

// failureCodes are the codes of failed items, by the operations that have items.
var failureCodes = map[string][]string{
	"BatchCheckLayerAvailability":             texts(types.LayerFailureCode("").Values()),
	"BatchDeleteImage":                        texts(types.ImageFailureCode("").Values()),
	"BatchGetImage":                           texts(types.ImageFailureCode("").Values()),
	"BatchGetRepositoryScanningConfiguration": texts(types.ScanningConfigurationFailureCode("").Values()),
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// ofConnection tells whether an outcome is nothing that the service says.
func ofConnection(err error) bool {
	var response *Response
	return errors.As(err, &response) || errors.Is(err, ErrReplyLost) ||
		errors.Is(err, ErrConnectionRefused) || errors.Is(err, ErrConnectionReset) || errors.Is(err, ErrNoAnswer)
}

// misplaced is what is wrong with where effects were put.
func (r *Rule) misplaced() (mistakes []error) {
	for _, place := range places {
		if place.silent && !ofConnection(r.effects.Err) && !slices.ContainsFunc(r.effects.Sequence, ofConnection) {
			continue
		}
		at := slices.IndexFunc(r.operations(), func(operation string) bool { return !slices.Contains(place.on, operation) })
		if at < 0 {
			continue
		}
		where, what := place.where, ""
		if where == "" {
			where = strings.Join(place.on, ", ")
		}
		if place.silent {
			what = ": an answer over HTTP or a connection that fails"
		}
		for _, member := range place.members {
			if call, has := r.effects.call(member); has {
				mistakes = append(mistakes, &misuse{call: call, member: member, why: fmt.Sprintf("%s cannot be put on %s: only on %s", what, r.operations()[at], where)})
			}
		}
	}
	return append(mistakes, r.unknownFailure()...)
}

// unknownFailure is what is wrong with the code of an item's failure.
func (r *Rule) unknownFailure() (mistakes []error) {
	call, has := r.effects.call("failItem")
	if !has {
		return nil
	}
	for _, operation := range r.operations() {
		codes, batch := failureCodes[operation]
		if code := r.effects.Item.Code; batch && !slices.Contains(codes, code) {
			mistakes = append(mistakes, &misuse{call: call, member: "failItem",
				why: fmt.Sprintf(": %s has no failure code %q, but %s", operation, code, strings.Join(codes, ", "))})
		}
	}
	return mistakes
}
