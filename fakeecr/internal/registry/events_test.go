package registry

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// note is an event that writes down when it happened, and may go on from there.
type note struct {
	name string
	log  *[]happened
	then func(tx *Tx)
}

type happened struct {
	name string
	at   time.Duration
}

func (n note) happen(tx *Tx) (any, error) {
	*n.log = append(*n.log, happened{n.name, tx.now.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))})
	if n.then != nil {
		n.then(tx)
	}
	return nil, nil
}

func plan(t *testing.T, w *World, after time.Duration, e event) (key string) {
	require.NoError(t, change(w, func(tx *Tx) error {
		tx.write()
		key = tx.schedule(tx.now.Add(after), e)
		return nil
	}))
	return key
}

func TestEventsHappenInOrderOfTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld(1, Config{})
		var log []happened
		plan(t, w, 2*time.Hour, note{"second", &log, nil})
		plan(t, w, 3*time.Hour, note{"third", &log, nil})
		plan(t, w, time.Hour, note{"first", &log, nil})
		plan(t, w, 3*time.Hour, note{"made after the third", &log, nil})
		plan(t, w, 9*time.Hour, note{"never", &log, nil})

		w.Advance(time.Hour - time.Millisecond)
		repositoryNames(t, w)
		require.Empty(t, log)
		w.Advance(time.Millisecond)
		repositoryNames(t, w)
		require.Equal(t, []happened{{"first", time.Hour}}, log)
		w.Advance(5 * time.Hour)
		create(t, w, "app")
		require.Equal(t, []happened{{"first", time.Hour}, {"second", 2 * time.Hour}, {"third", 3 * time.Hour}, {"made after the third", 3 * time.Hour}}, log)
		require.Equal(t, 1, w.root.events.Len())
	})
}

// However far the clock is moved at once, each event happens at its own time,
// also those that another one planned.
func TestEventsOfALongAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld(1, Config{})
		var log []happened
		daily := note{name: "daily", log: &log}
		daily.then = func(tx *Tx) {
			require.NoError(t, tx.addRepository(tx.newRepository(home, "day"+tx.now.Format("02"))))
			if len(log) < 4 {
				tx.schedule(tx.now.Add(24*time.Hour), daily)
			}
		}
		plan(t, w, 24*time.Hour, daily)
		plan(t, w, 60*time.Hour, note{"between", &log, nil})
		w.Advance(1000 * time.Hour)
		require.Equal(t, []string{"day02", "day03", "day04"}, repositoryNames(t, w))
		require.Equal(t, []happened{{"daily", 24 * time.Hour}, {"daily", 48 * time.Hour}, {"between", 60 * time.Hour}, {"daily", 72 * time.Hour}}, log)
	})
}

func TestWithdrawnEventDoesNotHappen(t *testing.T) {
	w := NewWorld(1, Config{})
	var log []happened
	key := plan(t, w, time.Hour, note{"withdrawn", &log, nil})
	require.NoError(t, change(w, func(tx *Tx) error {
		tx.unschedule(key)
		return nil
	}))
	w.Advance(2 * time.Hour)
	repositoryNames(t, w)
	require.Empty(t, log)
}

// A run of a lifecycle policy that is planned anew comes before what was scheduled
// for the same time meanwhile, as if it had never been planned otherwise.
func TestRescheduledEventKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld(1, Config{})
		var log []happened
		first := note{"first", &log, nil}
		key := plan(t, w, time.Hour, first)
		plan(t, w, 2*time.Hour, note{"second", &log, nil})
		require.NoError(t, change(w, func(tx *Tx) error {
			tx.write()
			require.Equal(t, tx.now.Add(2*time.Hour), dueTime(tx.reschedule(key, tx.now.Add(2*time.Hour), first)))
			return nil
		}))
		require.NoError(t, w.Advance(3*time.Hour))
		require.Equal(t, []happened{{"first", 2 * time.Hour}, {"second", 2 * time.Hour}}, log)
	})
}

// What falls due has happened when Advance returns, without another call.
func TestAdvanceSettles(t *testing.T) {
	w := NewWorld(1, Config{})
	var log []happened
	plan(t, w, time.Hour, note{"due", &log, nil})
	plan(t, w, 3*time.Hour, note{"not due", &log, nil})
	require.NoError(t, w.Advance(2*time.Hour))
	require.Len(t, log, 1)
	require.Error(t, w.Advance(-time.Hour))
	require.Equal(t, 1, w.root.events.Len())
}

// What was due has happened, whatever becomes of the call that settled it.
func TestEventsOutliveTheCallThatSettlesThem(t *testing.T) {
	w := NewWorld(1, Config{})
	var log []happened
	plan(t, w, time.Hour, note{"once", &log, func(tx *Tx) {
		require.NoError(t, tx.addRepository(tx.newRepository(home, "made")))
	}})
	fork := w.Fork(Config{})
	w.Advance(time.Hour)
	require.Error(t, change(w, func(tx *Tx) error {
		tx.write()
		return errors.New("refused")
	}))
	require.Equal(t, []string{"made"}, repositoryNames(t, w))
	require.Len(t, log, 1)

	require.Empty(t, repositoryNames(t, fork), "the fork's clock was not advanced")
	fork.Advance(time.Hour)
	require.Equal(t, []string{"made"}, repositoryNames(t, fork))
}
