package explore

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/scenarios"
)

// choice is a place in a schedule where one of several actors may call.
type choice struct {
	// enabled are the calls that are held, by the actor.
	enabled map[string]scenarios.Call
	chosen  string
	// tried are the actors whose call was tried here, chosen aside.
	tried []string
	// asleep are actors whose call need not be tried here: a schedule that was tried
	// before differs in the order of calls that commute.
	asleep map[string]scenarios.Call
	// last is who called before, and preemptions is how often one who could go on had
	// to wait by then.
	last        string
	preemptions int
}

// costs is how many preemptions there are once an actor is chosen.
func (c *choice) costs(name string) int {
	if _, goesOn := c.enabled[c.last]; goesOn && name != c.last {
		return c.preemptions + 1
	}
	return c.preemptions
}

// next is the actor to be tried next, "" if there is none.
func (c *choice) next(most int) string {
	names := slices.Sorted(maps.Keys(c.enabled))
	if _, goesOn := c.enabled[c.last]; goesOn { // the fewest preemptions first
		names = append([]string{c.last}, slices.DeleteFunc(names, func(name string) bool { return name == c.last })...)
	}
	for _, name := range names {
		_, asleep := c.asleep[name]
		if !asleep && !slices.Contains(c.tried, name) && (most < 0 || c.costs(name) <= most) {
			return name
		}
	}
	return ""
}

// orders walks the schedules, depth first. One walk through the actors' calls asks
// choose at each; back goes to the next schedule.
type orders struct {
	preemptions int
	fixed       []string
	stack       []*choice
	depth       int
	// redundant tells that the schedule is one that was tried before, in the order of
	// calls that commute.
	redundant bool
}

// choose is the actor whose call goes on.
func (o *orders) choose(enabled map[string]scenarios.Call) string {
	if o.redundant {
		return anyOf(enabled)
	}
	defer func() { o.depth++ }()
	if o.depth < len(o.stack) {
		if _, is := enabled[o.stack[o.depth].chosen]; is {
			return o.stack[o.depth].chosen
		}
		o.stack = o.stack[:o.depth] // the actors do not do the same each time
	}
	c := &choice{enabled: maps.Clone(enabled), asleep: map[string]scenarios.Call{}}
	if len(o.stack) > 0 {
		before := o.stack[len(o.stack)-1]
		c.last, c.preemptions = before.chosen, before.costs(before.chosen)
		c.inherit(before)
	}
	c.chosen = c.next(o.preemptions)
	if o.depth < len(o.fixed) {
		if _, is := enabled[o.fixed[o.depth]]; is {
			c.chosen = o.fixed[o.depth]
		}
	}
	if c.chosen == "" {
		o.redundant = true
		return anyOf(enabled)
	}
	o.stack = append(o.stack, c)
	return c.chosen
}

func anyOf(enabled map[string]scenarios.Call) string { return slices.Sorted(maps.Keys(enabled))[0] }

// inherit lets sleep whose call commutes with the one chosen before.
func (c *choice) inherit(before *choice) {
	did := before.enabled[before.chosen]
	for name, call := range before.asleep {
		if name != before.chosen && commute(call, did) {
			c.asleep[name] = call
		}
	}
	for _, name := range before.tried {
		if call := before.enabled[name]; commute(call, did) {
			c.asleep[name] = call
		}
	}
}

// back goes to the next schedule, if there is one.
func (o *orders) back() bool {
	o.depth, o.redundant = 0, false
	for len(o.stack) > 0 {
		c := o.stack[len(o.stack)-1]
		c.tried = append(c.tried, c.chosen)
		if c.chosen = c.next(o.preemptions); c.chosen != "" {
			return true
		}
		o.stack = o.stack[:len(o.stack)-1]
	}
	return false
}

// name is the schedule that was walked last.
func (o *orders) name() string {
	names := make([]string, len(o.stack))
	for i, c := range o.stack {
		names[i] = c.chosen
	}
	return strings.Join(names, " ")
}

// search tries the schedules.
func (i *interleaving) search() {
	o := &orders{preemptions: i.preemptions, fixed: strings.Fields(i.schedule)}
	for i.orders.Schedules < i.most && i.hung < mostHung {
		out := i.meeting(func(b *bubble, t *testing.T) { i.meet(b, t, o) })
		if !o.redundant {
			i.orders.Schedules++
			i.note(o.name(), out)
		}
		if len(o.fixed) > 0 {
			return
		}
		if !o.back() {
			i.orders.All = i.preemptions < 0
			return
		}
	}
}

// commute tells whether two calls lead to the same in either order.
func commute(a, b scenarios.Call) bool {
	switch {
	case isRead(a) && isRead(b):
		return true
	case a.Repository != "" && b.Repository != "" && !shares(a, b):
		return true
	}
	return isOwn(a) && !endsUploads(b) || isOwn(b) && !endsUploads(a)
}

func isRead(call scenarios.Call) bool {
	return slices.Contains(scenarios.Operations(scenarios.Reads), call.Operation)
}

// shares tells whether two calls are about one repository: by name, in whatever
// registry, as images are replicated under their name.
func shares(a, b scenarios.Call) bool {
	return slices.ContainsFunc(repositories(a), func(name string) bool { return slices.Contains(repositories(b), name) })
}

func repositories(call scenarios.Call) []string {
	names := []string{call.Repository}
	if mount, is := call.Input.(*scenarios.MountLayerInput); is {
		names = append(names, aws.ToString(mount.SourceRepositoryName))
	}
	return names
}

// isOwn tells whether a call is about nothing but an upload of the actor's own.
func isOwn(call scenarios.Call) bool {
	return slices.Contains([]string{"InitiateLayerUpload", "UploadLayerPart", scenarios.GetLayerUpload, scenarios.CancelLayerUpload}, call.Operation)
}

// endsUploads tells whether a call may end uploads of others, or make them possible.
func endsUploads(call scenarios.Call) bool {
	return slices.Contains([]string{"CreateRepository", "DeleteRepository"}, call.Operation) || strings.Contains(call.Operation, "Polic") || strings.Contains(call.Operation, "Template")
}
