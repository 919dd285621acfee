package scenarios

import (
	"errors"
	"reflect"
	"time"

	"github.com/fakeecr/ecr/scenarios/internal/form"
)

func (t *table) ruleMembers() []form.Property[*Rule] {
	whole := func(f form.Object[*Rule], is func(*Rule) bool) (func(*Rule, form.Value) (*Rule, error), func(*Rule) (any, error)) {
		return f.Read, func(r *Rule) (any, error) {
			if !is(r) {
				return nil, nil
			}
			return f.Write(r)
		}
	}
	when := form.Property[*Rule]{Described: form.Described{Name: "when", Says: "Which of the calls it fires on: every one, if it does not say.", Schema: t.when.Schema()}}
	when.Read, when.Write = whole(t.when, func(r *Rule) bool { return r.turn != Turn{} })
	do := form.Property[*Rule]{Described: form.Described{Name: "do", Says: "What it does to a call.", Required: true, Schema: t.doSchema()}}
	do.Read, do.Write = whole(t.do, func(*Rule) bool { return true })
	do.Write = func(r *Rule) (any, error) {
		e := r.effects
		if e.Hook != nil || e.around != nil || e.change != nil {
			return nil, errors.New("an effect by a function has no JSON")
		}
		return t.do.Write(r)
	}
	return []form.Property[*Rule]{
		form.Member("name", "The name that traces and failures print.", form.Text,
			func(r *Rule) (string, bool) { return r.name, r.name != "" }, (*Rule).Named),
		form.Member("on", "The operations, or groups of them, that the rule concerns.", t.operations,
			func(r *Rule) ([]string, bool) { return r.named, true },
			func(r *Rule, names []string) *Rule { return r.with(func(r *Rule) { r.named = names }) }).Needed(),
		t.conditions(), when, do,
		form.Member("optional", "Whether the rule may never fire; else a rule that never fired is a failure.", form.Truth,
			func(r *Rule) (bool, bool) { return r.optional, r.optional },
			func(r *Rule, is bool) *Rule { return r.with(func(r *Rule) { r.optional = is }) }),
	}
}

// conditions is where: an object, or a list of them for conditions of which one
// stands there twice.
func (t *table) conditions() form.Property[*Rule] {
	one := t.where.Schema()
	return form.Property[*Rule]{
		Described: form.Described{
			Name: "where", Says: "Conditions that must all hold, in one object or in several.",
			Schema: form.Ordered{{"oneOf", []form.Ordered{one, {{"type", "array"}, {"items", one}}}}},
		},
		Read: func(r *Rule, v form.Value) (_ *Rule, err error) {
			if v.Kind != "a list" {
				return t.where.Read(r, v)
			}
			for _, item := range v.Items {
				if r, err = t.where.Read(r, item); err != nil {
					return r, err
				}
			}
			return r, nil
		},
		Write: func(r *Rule) (any, error) {
			objects := []form.Ordered{{}}
			for _, c := range r.conditions {
				if c.kind == "" {
					return nil, errors.New("a condition by a function has no JSON")
				}
				said, err := form.Text.Write(c.value)
				if err != nil {
					return nil, err
				}
				last := &objects[len(objects)-1]
				for _, before := range *last {
					if before[0] == c.kind {
						objects = append(objects, form.Ordered{})
						last = &objects[len(objects)-1]
						break
					}
				}
				*last = append(*last, form.Pair{c.kind, said})
			}
			switch {
			case len(r.conditions) == 0:
				return nil, nil
			case len(objects) == 1:
				return objects[0], nil
			default:
				return objects, nil
			}
		},
	}
}

// answerMember is the output of an operation, which is known once all of the rule is
// read.
func answerMember() form.Property[*Rule] {
	return form.Property[*Rule]{
		Described: form.Described{
			Name: "answer", Says: "The output of the rule's one operation, in its place, as it is on the wire.", Schema: form.Ordered{{"type", "object"}},
		},
		Read: func(r *Rule, v form.Value) (*Rule, error) {
			return r.with(func(r *Rule) { r.answer = &v }), v.Is("an object")
		},
		Write: func(r *Rule) (any, error) { return writeShape(reflect.ValueOf(r.effects.Answer)) },
	}
}

func turnMembers() []form.Property[*Rule] {
	from := func(least int, name, says string, of_ func(Turn) int, set func(*Rule, int) *Rule) form.Property[*Rule] {
		return form.Member(name, says, form.Whole(least), func(r *Rule) (int, bool) { n := of_(r.turn); return n, n > 0 }, set)
	}
	count := func(name, says string, of_ func(Turn) int, set func(*Rule, int) *Rule) form.Property[*Rule] {
		return from(1, name, says, of_, set)
	}
	return []form.Property[*Rule]{
		from(0, "after", "It leaves so many calls alone; the others count from there.", func(t Turn) int { return t.After }, (*Rule).After),
		count("first", "It fires on the first n calls.", func(t Turn) int { return t.First }, (*Rule).First),
		count("nth", "It fires on the nth call alone.", func(t Turn) int { return t.Nth }, (*Rule).Nth),
		count("every", "It fires on each nth call.", func(t Turn) int { return t.Every }, (*Rule).Every),
		form.Member("from", "It fires from this time on, since the playing began.", form.Duration,
			func(r *Rule) (time.Duration, bool) { return r.turn.From, r.turn.From > 0 },
			func(r *Rule, d time.Duration) *Rule { return r.Between(d, r.turn.To) }),
		form.Member("to", "It fires until this time, since the playing began.", form.Duration,
			func(r *Rule) (time.Duration, bool) { return r.turn.To, r.turn.To > 0 },
			func(r *Rule, d time.Duration) *Rule { return r.Between(r.turn.From, d) }),
		form.Member("for", "It fires for so long, from the first call that it fires on.", form.Positive,
			func(r *Rule) (time.Duration, bool) { return r.turn.For, r.turn.For > 0 }, (*Rule).For),
		form.Member("chance", "It fires with this probability.", form.Number(1),
			func(r *Rule) (float64, bool) { return r.turn.Chance, r.turn.Chance > 0 }, (*Rule).Sometimes),
	}
}

// effect is a member of do that is there where the effects have it.
func effect[V any](name, says string, f form.Of[V], get func(Effects) (V, bool), set func(*Rule, V) *Rule) form.Property[*Rule] {
	return form.Member(name, says, f, func(r *Rule) (V, bool) { return get(r.effects) }, set)
}

// flag is an effect that is there or not.
func flag(name, says string, is func(Effects) bool, set func(*Rule) *Rule) form.Property[*Rule] {
	f := effect(name, says, form.Truth, func(e Effects) (bool, bool) { return is(e), is(e) },
		func(r *Rule, is bool) *Rule {
			if is {
				return set(r)
			}
			return r
		})
	f.Flag = true
	return f
}

// effectMembers are the effects in the order in which they come.
func (t *table) effectMembers() []form.Property[*Rule] {
	rate := t.rate.Form(func() Rate { return Rate{} })
	stale := t.stale.Form(func() Stale { return Stale{} })
	item := t.item.Form(func() ItemFailure { return ItemFailure{} })
	return []form.Property[*Rule]{
		effect("delay", "It waits on the world's clock before anything else.", form.Positive,
			func(e Effects) (time.Duration, bool) { return e.Delay, e.Delay > 0 }, (*Rule).Delay),
		flag("hold", "It waits until the test releases or stops the playing.", func(e Effects) bool { return e.Hold }, (*Rule).Hold),
		effect("together", "It waits until so many calls are there, which go on together.", form.Whole(2),
			func(e Effects) (int, bool) { return e.Together, e.Together > 0 }, (*Rule).Together),
		effect("rate", "Calls over this rate are throttled.", rate,
			func(e Effects) (Rate, bool) { return got(e.Rate) }, func(r *Rule, rate Rate) *Rule { return r.AtMost(rate.PerSecond, rate.Burst) }),
		effect("fail", "It is refused before anything happens.", t.failure,
			func(e Effects) (error, bool) { return e.Err, e.Err != nil }, (*Rule).Fail),
		effect("sequence", "What becomes of one call after the other; those behind the last are carried out.", someRefused(form.List(t.orNone, 1)),
			func(e Effects) ([]error, bool) { return e.Sequence, e.Sequence != nil },
			func(r *Rule, outcomes []error) *Rule { return r.Sequence(outcomes...) }),
		effect("notThereFor", "It is refused if the repository was made less long ago, as if that were not there.", form.Positive,
			func(e Effects) (time.Duration, bool) { return e.NotThereFor, e.NotThereFor > 0 }, (*Rule).NotThereFor),
		answerMember(),
		effect("stale", "It is answered from an earlier state: an age, a number of writes ago, or as the playing began.", stale,
			func(e Effects) (Stale, bool) { return got(e.Stale) },
			func(r *Rule, s Stale) *Rule { return r.with(func(r *Rule) { r.effects.Stale = &s }) }),
		effect("garble", "The byte of a layer part at this offset is changed as it is received.", form.Whole[int64](0),
			func(e Effects) (int64, bool) { return got(e.Garble) }, (*Rule).Garble),
		flag("twice", "It is carried out twice.", func(e Effects) bool { return e.Twice }, (*Rule).Twice),
		effect("failItem", "One item of a batch fails.", item,
			func(e Effects) (ItemFailure, bool) { return got(e.Item) },
			func(r *Rule, f ItemFailure) *Rule { return r.FailItem(f.Nth, f.Code, f.Reason) }),
		effect("shortPage", "A page of a list has so many items at most; the next page is as it would be.", form.Whole(1),
			func(e Effects) (int, bool) { n, is := got(e.Page); return n, is && n > 0 }, (*Rule).ShortPage),
		flag("emptyPage", "A page of a list is empty and says that there are more.", func(e Effects) bool { return e.Page != nil && *e.Page == 0 }, (*Rule).EmptyPage),
		flag("reserialise", "Manifests are answered in other bytes, whose digest is another.", func(e Effects) bool { return e.Reserialise }, (*Rule).Reserialise),
		effect("flip", "The byte of a downloaded layer at this offset is changed.", form.Whole[int64](0),
			func(e Effects) (int64, bool) { return got(e.Flip) }, (*Rule).Flip),
		effect("keep", "A downloaded layer ends after so many bytes, as if it had no more.", form.Whole[int64](0),
			func(e Effects) (int64, bool) { return got(e.Keep) }, (*Rule).Keep),
		effect("stall", "The reply comes so late on the world's clock.", form.Positive,
			func(e Effects) (time.Duration, bool) { return e.Reply.Wait, e.Reply.Wait > 0 }, (*Rule).Stall),
		effect("trickle", "The body of the reply comes at so many bytes a second of the world's clock.", form.Whole[int64](1),
			func(e Effects) (int64, bool) { return e.Reply.BytesPerSecond, e.Reply.BytesPerSecond > 0 }, (*Rule).Trickle),
		effect("cutAfter", "The reply ends after so many bytes of its body, of which the full length was promised.", form.Whole[int64](0),
			func(e Effects) (int64, bool) { n, is := got(e.Reply.Cut); return n, is && !e.Reply.Reset }, (*Rule).CutAfter),
		effect("resetAfter", "The connection is reset after so many bytes of the reply's body.", form.Whole[int64](0),
			func(e Effects) (int64, bool) { n, is := got(e.Reply.Cut); return n, is && e.Reply.Reset }, (*Rule).ResetAfter),
		flag("drop", "It is carried out and its reply is lost.", func(e Effects) bool { return e.Reply.Lost }, (*Rule).Drop),
		effect("then", "The state that the playing is in from now on.", form.Text,
			func(e Effects) (string, bool) { return got(e.Then) }, (*Rule).Then),
	}
}
