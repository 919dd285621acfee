package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/scenarios"
)

// diary is a domain whose state is what was written, and whose events write.
type diary struct{ *Engine }

type page struct {
	Root
	lines []line
}

type line struct {
	text string
	at   time.Duration
}

func (p *page) Copy() State {
	own := *p
	return &own
}

// entry is the transaction of a diary.
type entry struct{ Tx }

func (e *entry) write(text string) {
	p := e.Write().(*page)
	p.lines = append(p.lines[:len(p.lines):len(p.lines)], line{text, e.Now().Sub(beginning)})
}

// beginning is when a synctest bubble begins.
var beginning = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// note is an event that writes its name, and may go on from there. One with an
// operation is a call.
type note struct {
	name, operation string
	then            func(e *entry)
}

func (d *diary) Begin() Transaction { return &entry{d.Engine.Begin()} }

func (d *diary) Call(_ Transaction, event any) (call *scenarios.Call, seen bool) {
	if operation := event.(note).operation; operation != "" {
		return &scenarios.Call{Operation: operation}, true
	}
	return nil, false
}

func (d *diary) Happen(tx Transaction, event any) (output any, err error) {
	e, n := tx.(*entry), event.(note)
	e.write(n.name)
	if n.then != nil {
		n.then(e)
	}
	return nil, nil
}

func (d *diary) Fail(tx Transaction, event any, failure error) {
	tx.(*entry).write(event.(note).name + " failed: " + failure.Error())
}

func newDiary() *diary {
	d := &diary{}
	d.Engine = New(d, &page{}, 1)
	return d
}

func (d *diary) fork() *diary {
	fork := &diary{}
	fork.Engine = d.Engine.Fork(fork)
	return fork
}

func (d *diary) still() *diary {
	still := &diary{}
	still.Engine = d.Engine.Still(still)
	return still
}

func (d *diary) do(call func(e *entry) error) error {
	e := entry{d.Engine.Begin()}
	_, err := Run(&e.Tx, func() (struct{}, error) { return struct{}{}, call(&e) })
	return err
}

func (d *diary) write(t require.TestingT, text string) {
	require.NoError(t, d.do(func(e *entry) error {
		e.write(text)
		return nil
	}))
}

func (d *diary) plan(t *testing.T, after time.Duration, n note) (key string) {
	require.NoError(t, d.do(func(e *entry) error {
		e.Write()
		key = e.Schedule(e.Now().Add(after), n)
		return nil
	}))
	return key
}

// read is the lines of the diary, or of an earlier state.
func (d *diary) read(view View) []line {
	e := entry{d.Engine.Begin()}
	e.View = view
	return e.Read().(*page).lines
}

func texts(lines []line) (texts []string) {
	for _, l := range lines {
		texts = append(texts, l.text)
	}
	return texts
}

func (d *diary) pending() int {
	e := entry{d.Engine.Begin()}
	return e.Read().(*page).events.Len()
}

func TestChangesAreTransactions(t *testing.T) {
	d := newDiary()
	d.write(t, "kept")
	refused := errors.New("refused")
	require.ErrorIs(t, d.do(func(e *entry) error {
		e.write("forgotten")
		return refused
	}), refused)
	require.Panics(t, func() {
		_ = d.do(func(e *entry) error {
			e.write("forgotten")
			panic("half-way")
		})
	})
	require.ErrorIs(t, d.do(func(e *entry) error {
		e.write("kept although it was refused")
		require.ErrorIs(t, e.Attempt(func() error {
			e.write("taken back")
			return refused
		}), refused)
		e.CommitRefusal()
		return refused
	}), refused)
	require.PanicsWithValue(t, "engine: a change outside of Run", func() {
		e := entry{d.Engine.Begin()}
		e.write("not of any transaction")
	})
	require.Equal(t, []string{"kept", "kept although it was refused"}, texts(d.read(View{})))
}

func TestReadsSeeOneState(t *testing.T) {
	d := newDiary()
	e := entry{d.Engine.Begin()}
	before := e.Read()
	d.write(t, "later")
	require.Same(t, before, e.Read())
	require.Empty(t, before.(*page).lines)
}

func TestEventsHappenInOrderOfTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		d.plan(t, 2*time.Hour, note{name: "second"})
		d.plan(t, 3*time.Hour, note{name: "third"})
		d.plan(t, time.Hour, note{name: "first"})
		d.plan(t, 3*time.Hour, note{name: "made after the third"})
		d.plan(t, 9*time.Hour, note{name: "never"})

		require.NoError(t, d.Advance(time.Hour-time.Millisecond))
		require.Empty(t, d.read(View{}))
		require.NoError(t, d.Advance(time.Millisecond))
		require.Equal(t, []line{{"first", time.Hour}}, d.read(View{}))
		time.Sleep(5 * time.Hour)
		d.write(t, "a call")
		require.Equal(t, []line{{"first", time.Hour}, {"second", 2 * time.Hour}, {"third", 3 * time.Hour},
			{"made after the third", 3 * time.Hour}, {"a call", 6 * time.Hour}}, d.read(View{}))
		require.Equal(t, 1, d.pending())
	})
}

// However far the clock is moved at once, each event happens at its own time,
// also those that another one planned.
func TestEventsOfALongAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		days := 0
		daily := note{name: "daily"}
		daily.then = func(e *entry) {
			if days++; days < 3 {
				e.Schedule(e.Now().Add(24*time.Hour), daily)
			}
		}
		d.plan(t, 24*time.Hour, daily)
		d.plan(t, 60*time.Hour, note{name: "between"})
		require.NoError(t, d.Advance(1000*time.Hour))
		require.Equal(t, []line{{"daily", 24 * time.Hour}, {"daily", 48 * time.Hour}, {"between", 60 * time.Hour}, {"daily", 72 * time.Hour}}, d.read(View{}))
	})
}

func TestWithdrawnEventDoesNotHappen(t *testing.T) {
	d := newDiary()
	key := d.plan(t, time.Hour, note{name: "withdrawn"})
	require.NoError(t, d.do(func(e *entry) error {
		e.Unschedule(key)
		return nil
	}))
	require.NoError(t, d.Advance(2*time.Hour))
	require.Empty(t, d.read(View{}))
}

// An event that is planned anew comes before what was scheduled for the same time
// meanwhile, as if it had never been planned otherwise.
func TestRescheduledEventKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		key := d.plan(t, time.Hour, note{name: "first"})
		d.plan(t, 2*time.Hour, note{name: "second"})
		require.NoError(t, d.do(func(e *entry) error {
			e.Write()
			require.Equal(t, e.Now().Add(2*time.Hour), Due(e.Reschedule(key, e.Now().Add(2*time.Hour), note{name: "first"})))
			return nil
		}))
		require.NoError(t, d.Advance(3*time.Hour))
		require.Equal(t, []string{"first", "second"}, texts(d.read(View{})))
	})
}

// What falls due has happened when Advance returns, without another call.
func TestAdvanceSettles(t *testing.T) {
	d := newDiary()
	happened := 0
	count := func(*entry) { happened++ }
	d.plan(t, time.Hour, note{name: "due", then: count})
	d.plan(t, 3*time.Hour, note{name: "not due", then: count})
	require.NoError(t, d.Advance(2*time.Hour))
	require.Equal(t, 1, happened)
	require.Error(t, d.Advance(-time.Hour))
	require.Equal(t, 1, d.pending())
}

// What was due has happened, whatever becomes of the call that settled it; in a fork
// it happens for itself.
func TestEventsOutliveTheCallThatSettlesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		d.plan(t, time.Hour, note{name: "once"})
		fork, still := d.fork(), d.still()
		time.Sleep(time.Hour)
		require.Error(t, d.do(func(e *entry) error {
			e.write("forgotten")
			return errors.New("refused")
		}))
		require.Equal(t, []line{{"once", time.Hour}}, d.read(View{}))
		fork.write(t, "of the fork")
		require.Equal(t, []string{"once", "of the fork"}, texts(fork.read(View{})))
		require.Empty(t, still.read(View{}), "nothing happens there")
		require.Equal(t, []string{"once"}, texts(d.read(View{})))
	})
}

func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		d.write(t, "before")
		h := d.Remember()
		for _, text := range []string{"one", "two"} {
			time.Sleep(time.Minute)
			d.write(t, text)
		}
		d.plan(t, time.Minute, note{name: "event"})
		time.Sleep(10 * time.Minute)
		seen := func(v View) []string { return texts(d.read(v)) }
		require.Equal(t, []string{"before"}, seen(h.Beginning()))
		require.Equal(t, []string{"before", "one"}, seen(h.Ago(11*time.Minute)), "to the moment")
		require.Equal(t, []string{"before"}, seen(h.Ago(time.Hour)))
		require.Equal(t, []string{"before", "one", "two", "event"}, texts(d.read(View{})))
		require.Equal(t, []string{"before", "one", "two", "event"}, seen(h.Ago(9*time.Minute)), "what happens is remembered as of when it was due")
		require.Equal(t, []string{"before", "one", "two"}, seen(h.Before(1)))
		require.Equal(t, []string{"before"}, seen(h.Before(100)))
		d.plan(t, time.Minute, note{name: "due"})
		d.plan(t, 2*time.Minute, note{name: "later"})
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{"before", "one", "two", "event", "due"}, seen(h.Ago(9*time.Minute-time.Second)), "what was due happened also if nobody has looked")
		h.Forget()
		d.write(t, "unremembered")
		require.Equal(t, []string{"before", "one", "two", "event", "due", "later"}, seen(h.Before(0)))
	})
}

func TestHistoryWhileOthersWrite(t *testing.T) {
	d := newDiary()
	h := d.Remember()
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range 100 {
			d.write(t, "meanwhile")
		}
	}()
	for range 100 {
		require.Empty(t, d.read(h.Beginning()))
	}
	<-written
}

// rules is a stage on which rules postpone and fail what is due.
type rules struct {
	ask  func(event *AskedEvent) error
	told []string
}

func (r *rules) Concerns(operation string) bool { return operation == "Tell" }
func (r *rules) Ask(_ *scenarios.Call, event *AskedEvent) (func(*scenarios.Call), error) {
	return nil, r.ask(event)
}
func (r *rules) Tell(call *scenarios.Call) { r.told = append(r.told, call.Operation) }
func (d *diary) on(ask func(event *AskedEvent) error) (stage *rules) {
	stage = &rules{ask: ask}
	d.PlayOn(stage)
	return stage
}

func TestRulesAreAskedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		ask      func(event *AskedEvent) error
		atOnce   []string
		anHourOn []string
	}{
		"let happen": {func(*AskedEvent) error { return nil }, []string{"told"}, []string{"told"}},
		"fail":       {func(*AskedEvent) error { return errors.New("no") }, []string{"told failed: no"}, []string{"told failed: no"}},
		"postpone":   {func(event *AskedEvent) error { event.Postpone(time.Hour, false); return nil }, nil, []string{"told"}},
		"hold":       {func(event *AskedEvent) error { event.Postpone(0, true); return nil }, nil, nil},
		"hold and let go": {func(event *AskedEvent) error {
			letGo := event.Postpone(time.Hour, true)
			time.AfterFunc(30*time.Minute, letGo)
			return nil
		}, nil, []string{"told"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				asked := 0
				stage := d.on(func(event *AskedEvent) error {
					asked++
					return test.ask(event)
				})
				d.plan(t, time.Minute, note{name: "told", operation: "Tell"})
				d.plan(t, time.Minute, note{name: "unknown to rules", operation: "Other"})
				time.Sleep(time.Minute)
				require.Equal(t, append(test.atOnce, "unknown to rules"), texts(d.read(View{})))
				time.Sleep(time.Hour)
				require.ElementsMatch(t, append(test.anHourOn, "unknown to rules"), texts(d.read(View{})))
				require.Equal(t, 1, asked)
				require.Len(t, stage.told, 1+len(test.anHourOn))
			})
		})
	}
}

func TestAwaitLetsHappen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		told := make(chan error, 1)
		d.plan(t, time.Hour, note{name: "due", operation: "Tell", then: func(*entry) { told <- nil }})
		require.NoError(t, d.Await(t.Context(), told, []string{"Tell"}))
		require.Equal(t, time.Hour, d.Now().Sub(beginning))
	})
}
