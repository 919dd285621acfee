package scenarios

import (
	"errors"
	"reflect"
	"time"
)

func (t *table) ruleMembers() []property[*Rule] {
	whole := func(f object[*Rule], is func(*Rule) bool) (func(*Rule, value) (*Rule, error), func(*Rule) (any, error)) {
		return f.read, func(r *Rule) (any, error) {
			if !is(r) {
				return nil, nil
			}
			return f.write(r)
		}
	}
	when := property[*Rule]{name: "when", says: "Which of the calls it fires on: every one, if it does not say.", schema: t.when.schema()}
	when.read, when.write = whole(t.when, func(r *Rule) bool { return r.turn != Turn{} })
	do := property[*Rule]{name: "do", says: "What it does to a call.", required: true, schema: t.doSchema()}
	do.read, do.write = whole(t.do, func(*Rule) bool { return true })
	do.write = func(r *Rule) (any, error) {
		e := r.effects
		if e.Hook != nil || e.around != nil || e.change != nil {
			return nil, errors.New("an effect by a function has no JSON")
		}
		return t.do.write(r)
	}
	return []property[*Rule]{
		of("name", "The name that traces and failures print.", str,
			func(r *Rule) (string, bool) { return r.name, r.name != "" }, (*Rule).Named),
		of("on", "The operations, or groups of them, that the rule concerns.", t.operations,
			func(r *Rule) ([]string, bool) { return r.named, true },
			func(r *Rule, names []string) *Rule { return r.with(func(r *Rule) { r.named = names }) }).needed(),
		t.conditions(), when, do,
		of("optional", "Whether the rule may never fire; else a rule that never fired is a failure.", truth,
			func(r *Rule) (bool, bool) { return r.optional, r.optional },
			func(r *Rule, is bool) *Rule { return r.with(func(r *Rule) { r.optional = is }) }),
	}
}

// conditions is where: an object, or a list of them for conditions of which one
// stands there twice.
func (t *table) conditions() property[*Rule] {
	one := t.where.schema()
	return property[*Rule]{
		name: "where", says: "Conditions that must all hold, in one object or in several.",
		schema: ordered{{"oneOf", []ordered{one, {{"type", "array"}, {"items", one}}}}},
		read: func(r *Rule, v value) (_ *Rule, err error) {
			if v.kind != "a list" {
				return t.where.read(r, v)
			}
			for _, item := range v.items {
				if r, err = t.where.read(r, item); err != nil {
					return r, err
				}
			}
			return r, nil
		},
		write: func(r *Rule) (any, error) {
			objects := []ordered{{}}
			for _, c := range r.conditions {
				if c.kind == "" {
					return nil, errors.New("a condition by a function has no JSON")
				}
				said, err := str.write(c.value)
				if err != nil {
					return nil, err
				}
				last := &objects[len(objects)-1]
				for _, before := range *last {
					if before.name == c.kind {
						objects = append(objects, ordered{})
						last = &objects[len(objects)-1]
						break
					}
				}
				*last = append(*last, pair{c.kind, said})
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
func answerMember() property[*Rule] {
	return property[*Rule]{
		name: "answer", says: "The output of the rule's one operation, in its place, as it is on the wire.", schema: ordered{{"type", "object"}},
		read: func(r *Rule, v value) (*Rule, error) {
			return r.with(func(r *Rule) { r.answer = &v }), v.is("an object")
		},
		write: func(r *Rule) (any, error) { return writeShape(reflect.ValueOf(r.effects.Answer)) },
	}
}

func turnMembers() []property[*Rule] {
	from := func(least int, name, says string, of_ func(Turn) int, set func(*Rule, int) *Rule) property[*Rule] {
		return of(name, says, whole(least), func(r *Rule) (int, bool) { n := of_(r.turn); return n, n > 0 }, set)
	}
	count := func(name, says string, of_ func(Turn) int, set func(*Rule, int) *Rule) property[*Rule] {
		return from(1, name, says, of_, set)
	}
	return []property[*Rule]{
		from(0, "after", "It leaves so many calls alone; the others count from there.", func(t Turn) int { return t.After }, (*Rule).After),
		count("first", "It fires on the first n calls.", func(t Turn) int { return t.First }, (*Rule).First),
		count("nth", "It fires on the nth call alone.", func(t Turn) int { return t.Nth }, (*Rule).Nth),
		count("every", "It fires on each nth call.", func(t Turn) int { return t.Every }, (*Rule).Every),
		of("from", "It fires from this time on, since the playing began.", duration,
			func(r *Rule) (time.Duration, bool) { return r.turn.From, r.turn.From > 0 },
			func(r *Rule, d time.Duration) *Rule { return r.Between(d, r.turn.To) }),
		of("to", "It fires until this time, since the playing began.", duration,
			func(r *Rule) (time.Duration, bool) { return r.turn.To, r.turn.To > 0 },
			func(r *Rule, d time.Duration) *Rule { return r.Between(r.turn.From, d) }),
		of("for", "It fires for so long, from the first call that it fires on.", positive,
			func(r *Rule) (time.Duration, bool) { return r.turn.For, r.turn.For > 0 }, (*Rule).For),
		of("chance", "It fires with this probability.", number(1),
			func(r *Rule) (float64, bool) { return r.turn.Chance, r.turn.Chance > 0 }, (*Rule).Sometimes),
	}
}

// effect is a member of do that is there where the effects have it.
func effect[V any](name, says string, f form[V], get func(Effects) (V, bool), set func(*Rule, V) *Rule) property[*Rule] {
	return of(name, says, f, func(r *Rule) (V, bool) { return get(r.effects) }, set)
}

// flag is an effect that is there or not.
func flag(name, says string, is func(Effects) bool, set func(*Rule) *Rule) property[*Rule] {
	f := effect(name, says, truth, func(e Effects) (bool, bool) { return is(e), is(e) },
		func(r *Rule, is bool) *Rule {
			if is {
				return set(r)
			}
			return r
		})
	f.flag = true
	return f
}

// effectMembers are the effects in the order in which they come.
func (t *table) effectMembers() []property[*Rule] {
	rate := t.rate.form(func() Rate { return Rate{} })
	stale := t.stale.form(func() Stale { return Stale{} })
	item := t.item.form(func() ItemFailure { return ItemFailure{} })
	return []property[*Rule]{
		effect("delay", "It waits on the world's clock before anything else.", positive,
			func(e Effects) (time.Duration, bool) { return e.Delay, e.Delay > 0 }, (*Rule).Delay),
		flag("hold", "It waits until the test releases or stops the playing.", func(e Effects) bool { return e.Hold }, (*Rule).Hold),
		effect("together", "It waits until so many calls are there, which go on together.", whole(2),
			func(e Effects) (int, bool) { return e.Together, e.Together > 0 }, (*Rule).Together),
		effect("rate", "Calls over this rate are throttled.", rate,
			func(e Effects) (Rate, bool) { return got(e.Rate) }, func(r *Rule, rate Rate) *Rule { return r.AtMost(rate.PerSecond, rate.Burst) }),
		effect("fail", "It is refused before anything happens.", t.failure,
			func(e Effects) (error, bool) { return e.Err, e.Err != nil }, (*Rule).Fail),
		effect("sequence", "What becomes of one call after the other; those behind the last are carried out.", someRefused(list(t.orNone, 1)),
			func(e Effects) ([]error, bool) { return e.Sequence, e.Sequence != nil },
			func(r *Rule, outcomes []error) *Rule { return r.Sequence(outcomes...) }),
		effect("notThereFor", "It is refused if the repository was made less long ago, as if that were not there.", positive,
			func(e Effects) (time.Duration, bool) { return e.NotThereFor, e.NotThereFor > 0 }, (*Rule).NotThereFor),
		answerMember(),
		effect("stale", "It is answered from an earlier state: an age, a number of writes ago, or as the playing began.", stale,
			func(e Effects) (Stale, bool) { return got(e.Stale) },
			func(r *Rule, s Stale) *Rule { return r.with(func(r *Rule) { r.effects.Stale = &s }) }),
		effect("garble", "The byte of a layer part at this offset is changed as it is received.", whole[int64](0),
			func(e Effects) (int64, bool) { return got(e.Garble) }, (*Rule).Garble),
		flag("twice", "It is carried out twice.", func(e Effects) bool { return e.Twice }, (*Rule).Twice),
		effect("failItem", "One item of a batch fails.", item,
			func(e Effects) (ItemFailure, bool) { return got(e.Item) },
			func(r *Rule, f ItemFailure) *Rule { return r.FailItem(f.Nth, f.Code, f.Reason) }),
		effect("shortPage", "A page of a list has so many items at most; the next page is as it would be.", whole(1),
			func(e Effects) (int, bool) { n, is := got(e.Page); return n, is && n > 0 }, (*Rule).ShortPage),
		flag("emptyPage", "A page of a list is empty and says that there are more.", func(e Effects) bool { return e.Page != nil && *e.Page == 0 }, (*Rule).EmptyPage),
		flag("reserialise", "Manifests are answered in other bytes, whose digest is another.", func(e Effects) bool { return e.Reserialise }, (*Rule).Reserialise),
		effect("flip", "The byte of a downloaded layer at this offset is changed.", whole[int64](0),
			func(e Effects) (int64, bool) { return got(e.Flip) }, (*Rule).Flip),
		effect("keep", "A downloaded layer ends after so many bytes, as if it had no more.", whole[int64](0),
			func(e Effects) (int64, bool) { return got(e.Keep) }, (*Rule).Keep),
		effect("stall", "The reply comes so late on the world's clock.", positive,
			func(e Effects) (time.Duration, bool) { return e.Reply.Wait, e.Reply.Wait > 0 }, (*Rule).Stall),
		effect("trickle", "The body of the reply comes at so many bytes a second of the world's clock.", whole[int64](1),
			func(e Effects) (int64, bool) { return e.Reply.BytesPerSecond, e.Reply.BytesPerSecond > 0 }, (*Rule).Trickle),
		effect("cutAfter", "The reply ends after so many bytes of its body, of which the full length was promised.", whole[int64](0),
			func(e Effects) (int64, bool) { n, is := got(e.Reply.Cut); return n, is && !e.Reply.Reset }, (*Rule).CutAfter),
		effect("resetAfter", "The connection is reset after so many bytes of the reply's body.", whole[int64](0),
			func(e Effects) (int64, bool) { n, is := got(e.Reply.Cut); return n, is && e.Reply.Reset }, (*Rule).ResetAfter),
		flag("drop", "It is carried out and its reply is lost.", func(e Effects) bool { return e.Reply.Lost }, (*Rule).Drop),
		effect("then", "The state that the playing is in from now on.", str,
			func(e Effects) (string, bool) { return got(e.Then) }, (*Rule).Then),
	}
}
