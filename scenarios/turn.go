package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Turn chooses among the calls that a rule matches. Every part that is set must
// hold.
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
	switch {
	case t.Nth > 0 && t.For > 0:
		return errors.New("For beside Nth, which chooses one call alone: After chooses those behind it too")
	case t.Nth > 0 && !t.Chooses(t.After+t.Nth, func() float64 { return 0 }):
		return fmt.Errorf("Nth(%d) chooses no call, as it is none of those that First, Every and After leave", t.Nth)
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
func (r *Rule) First(n int) *Rule { return r.choose(n, func(t *Turn) { t.First = n }) }

// Nth chooses the nth call alone.
func (r *Rule) Nth(n int) *Rule { return r.choose(n, func(t *Turn) { t.Nth = n }) }

// Every chooses each nth call.
func (r *Rule) Every(n int) *Rule { return r.choose(n, func(t *Turn) { t.Every = n }) }

// After leaves the first n calls alone; what else is chosen counts from there:
// After(3).First(2) is the fourth and the fifth call, and After(0) is from the first
// call on.
func (r *Rule) After(n int) *Rule {
	return r.with(func(r *Rule) {
		r.turn.After = n
		if n < 0 {
			r.wrong("After(%d)", n)
		}
	})
}

// Always chooses every call, which is also what a rule does that chooses none.
func (r *Rule) Always() *Rule { return r.with(func(r *Rule) { r.turn = Turn{} }) }

func (r *Rule) choose(n int, set func(*Turn)) *Rule {
	return r.with(func(r *Rule) {
		set(&r.turn)
		if n < 1 {
			r.wrong("a turn of %d: turns count from 1", n)
		}
	})
}

// Between chooses the calls that come at a time of the world's clock from from up
// to to after the playing began. A zero to never comes.
func (r *Rule) Between(from, to time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.turn.From, r.turn.To = from, to
		if from < 0 || to != 0 && to <= from {
			r.wrong("Between(%v, %v)", from, to)
		}
	})
}

// For ends the rule's turns when d has passed on the world's clock since the first
// call that it chose: After(1).For(30 * time.Second) is the second call, and those
// of the 30 seconds behind it.
func (r *Rule) For(d time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.turn.For = d
		if d <= 0 {
			r.wrong("For(%v)", d)
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
			r.wrong("Sometimes(%v): a probability is above 0 and at most 1", probability)
		}
	})
}
