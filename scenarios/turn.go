package scenarios

import (
	"fmt"
	"strings"
	"time"
)

// Turn chooses among the calls that a rule matches. Every part that is set must
// hold. A call on which the rule finds nothing to do, such as a reply too short to be cut,
// gives its turn and its dice to the next one.
type Turn struct {
	// After leaves the first calls alone; First, Nth and Every count from there.
	After, First, Nth, Every int
	// From and To are times of the world's clock since the playing began; a zero To
	// never comes. A call at any other time does not count.
	From, To time.Duration
	// For is how long the rule chooses calls, from the first that it chose; 0 is for
	// ever.
	For time.Duration
	// Chance is the probability that a call is chosen, 0 for always. The dice follow
	// from the seed, the rule and the number of the call.
	Chance float64
}

// Covers tells whether a call counts that comes so long after the playing began.
func (t Turn) Covers(since time.Duration) bool {
	return since >= t.From && (t.To == 0 || since < t.To)
}

// Lasts tells whether the rule still chooses calls so long after the first that it
// chose.
func (t Turn) Lasts(since time.Duration) bool { return t.For == 0 || since < t.For }

// Chooses tells whether the nth call that counts, from 1, is chosen; dice is a
// number from 0 to 1 that is asked for where there is a chance.
func (t Turn) Chooses(n int, dice func() float64) bool {
	n -= t.After
	return n > 0 &&
		(t.First == 0 || n <= t.First) &&
		(t.Nth == 0 || n == t.Nth) &&
		(t.Every == 0 || n%t.Every == 0) &&
		(t.Chance == 0 || dice() < t.Chance)
}

// check answers what is wrong with parts that do not go together.
func (t Turn) check() error {
	between := fmt.Sprintf("Between(%v, %v)", t.From, t.To)
	switch {
	case t.From < 0:
		return &misuse{call: between, member: "from", why: ": it begins before the playing does"}
	case t.To != 0 && t.To <= t.From:
		return &misuse{call: between, member: "to", why: ": it ends before it begins", whyJSON: fmt.Sprintf(": %v is not after %v", t.To, t.From)}
	case t.Nth > 0 && t.For > 0:
		return &misuse{call: "For", member: "for", why: " beside Nth, which chooses one call alone: After chooses those behind it too"}
	case t.Nth > 0 && !t.Chooses(t.After+t.Nth, func() float64 { return 0 }):
		return &misuse{call: fmt.Sprintf("Nth(%d)", t.Nth), member: "nth",
			why:     " chooses no call, as it is none of those that First, Every and After leave",
			whyJSON: fmt.Sprintf(": %d chooses no call, as it is none of those that first, every and after leave", t.Nth)}
	case t.First > 0 && t.Every > t.First:
		return &misuse{call: fmt.Sprintf("First(%d)", t.First), member: "first",
			why:     fmt.Sprintf(" beside Every(%d) chooses no call", t.Every),
			whyJSON: fmt.Sprintf(": %d beside every: %d chooses no call", t.First, t.Every)}
	default:
		return nil
	}
}

// String is the turn in words.
func (t Turn) String() string {
	var words []string
	for _, part := range []struct {
		word string
		n    int
	}{{"after", t.After}, {"first", t.First}, {"nth", t.Nth}, {"every", t.Every}} {
		if part.n > 0 {
			words = append(words, fmt.Sprintf("%s %d", part.word, part.n))
		}
	}
	switch {
	case t.From > 0 && t.To > 0:
		words = append(words, fmt.Sprintf("between %v and %v", t.From, t.To))
	case t.From > 0:
		words = append(words, fmt.Sprintf("from %v on", t.From))
	case t.To > 0:
		words = append(words, fmt.Sprintf("until %v", t.To))
	}
	if t.For > 0 {
		words = append(words, fmt.Sprintf("for %v", t.For))
	}
	if t.Chance > 0 {
		words = append(words, fmt.Sprintf("with chance %v", t.Chance))
	}
	return strings.Join(words, " ")
}

// First chooses the first n calls.
func (r *Rule) First(n int) *Rule { return r.choose("First", n, func(t *Turn) { t.First = n }) }

// Nth chooses the nth call alone.
func (r *Rule) Nth(n int) *Rule { return r.choose("Nth", n, func(t *Turn) { t.Nth = n }) }

// Every chooses each nth call.
func (r *Rule) Every(n int) *Rule { return r.choose("Every", n, func(t *Turn) { t.Every = n }) }

// After leaves the first n calls alone; what else is chosen counts from there:
// After(3).First(2) is the fourth and the fifth call, and After(0) is from the first
// call on.
func (r *Rule) After(n int) *Rule {
	return r.with(func(r *Rule) {
		r.turn.After = n
		if n < 0 {
			r.refuse("after", fmt.Sprintf("After(%d)", n), "calls count from 0")
		}
	})
}

// Always chooses every call, which is also what a rule does that chooses none.
func (r *Rule) Always() *Rule { return r.with(func(r *Rule) { r.turn = Turn{} }) }

func (r *Rule) choose(method string, n int, set func(*Turn)) *Rule {
	return r.with(func(r *Rule) {
		set(&r.turn)
		if n < 1 {
			r.refuse(strings.ToLower(method), fmt.Sprintf("%s(%d)", method, n), "turns count from 1")
		}
	})
}

// Between chooses the calls that come at a time of the world's clock from from up
// to to after the playing began. A zero to never comes.
func (r *Rule) Between(from, to time.Duration) *Rule {
	return r.with(func(r *Rule) { r.turn.From, r.turn.To = from, to })
}

// For ends the rule's turns when d has passed on the world's clock since the first
// call that it chose: After(1).For(30 * time.Second) is the second call, and those
// of the 30 seconds behind it.
func (r *Rule) For(d time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.turn.For = d
		if d <= 0 {
			r.refuse("for", fmt.Sprintf("For(%v)", d), "no time at all")
		}
	})
}

// Sometimes chooses each call with a probability from 0 to 1. The dice follow from
// the world's seed, the rule's place and the call's number, so that two runs with
// one seed are equal, whatever the order of goroutines.
func (r *Rule) Sometimes(probability float64) *Rule {
	return r.with(func(r *Rule) {
		r.turn.Chance = probability
		if !(probability > 0 && probability <= 1) {
			r.refuse("chance", fmt.Sprintf("Sometimes(%v)", probability), "a probability is above 0 and at most 1")
		}
	})
}
