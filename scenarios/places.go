package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// placement says which operations an effect can be put on.
type placement struct {
	effect string
	has    func(Effects) bool
	on     []string
	// where is on in words, if it is not to be listed.
	where string
	// members are those of do in JSON that have the effect or, with outcomes, that
	// may have it.
	members  []string
	outcomes bool
}

// callsOnly is where an effect can be put that needs a caller who waits.
const callsOnly = "calls, not on what the world does by itself"

// places are those of effects that cannot be put on all operations.
var places = []placement{
	{"FailItem", func(e Effects) bool { return e.Item != nil },
		[]string{"BatchCheckLayerAvailability", "BatchDeleteImage", "BatchGetImage", "BatchGetRepositoryScanningConfiguration"}, "", []string{"failItem"}, false},
	{"ShortPage or EmptyPage", func(e Effects) bool { return e.Page != nil }, paged(), "lists that come in pages", []string{"shortPage", "emptyPage"}, false},
	{"Reserialise", func(e Effects) bool { return e.Reserialise }, []string{"BatchGetImage"}, "", []string{"reserialise"}, false},
	{"Flip", func(e Effects) bool { return e.Flip != nil }, []string{DownloadLayer}, "", []string{"flip"}, false},
	{"Keep", func(e Effects) bool { return e.Keep != nil }, []string{DownloadLayer}, "", []string{"keep"}, false},
	{"Garble", func(e Effects) bool { return e.Garble != nil }, []string{"UploadLayerPart"}, "", []string{"garble"}, false},
	{"Stale", func(e Effects) bool { return e.Stale != nil }, groups()[Reads], "", []string{"stale"}, false},
	{"Together", func(e Effects) bool { return e.Together > 0 }, append(slices.Clone(groups()[Any]), PullFromUpstream), callsOnly, []string{"together"}, false},
	{"AtMost", func(e Effects) bool { return e.Rate != nil }, append(slices.Clone(groups()[Any]), PullFromUpstream), callsOnly, []string{"rate"}, false},
	{"Twice", func(e Effects) bool { return e.Twice }, groups()[Any], callsOnly, []string{"twice"}, false},
	{"Around", func(e Effects) bool { return e.around != nil }, groups()[Any], callsOnly, nil, false},
	{"Change", func(e Effects) bool { return e.change != nil }, groups()[Any], callsOnly, nil, false},
	{"an effect on the reply", func(e Effects) bool { return !e.Reply.IsWhole() }, groups()[Any], callsOnly, []string{"drop", "cutAfter", "resetAfter", "trickle", "stall"}, false},
	{"an answer over HTTP or a connection that fails", func(e Effects) bool {
		return ofConnection(e.Err) || slices.ContainsFunc(e.Sequence, ofConnection)
	}, groups()[Any], callsOnly, []string{"fail", "sequence"}, true},
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
		if !place.has(r.effects) {
			continue
		}
		for _, operation := range r.Operations() {
			if slices.Contains(place.on, operation) {
				continue
			}
			where := place.where
			if where == "" {
				where = strings.Join(place.on, ", ")
			}
			mistakes = append(mistakes, fmt.Errorf("%s cannot be put on %s: only on %s", place.effect, operation, where))
			break
		}
	}
	return mistakes
}
