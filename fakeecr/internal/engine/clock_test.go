package engine

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClockHasTheGrainOfTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		time.Sleep(1_234_567 * time.Nanosecond)
		now := c.now()
		require.Equal(t, time.Date(2000, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC), now)
		require.Equal(t, time.UTC, now.Location())
	})
}

func TestClockAdvances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		begin := c.now()
		c.advance(12 * time.Hour)
		require.Equal(t, 12*time.Hour, c.now().Sub(begin))
		time.Sleep(time.Minute)
		require.Equal(t, 12*time.Hour+time.Minute, c.now().Sub(begin), "time goes on from there")
		c.advance(0)
		require.Equal(t, 12*time.Hour+time.Minute, c.now().Sub(begin))
	})
}

// An advance that is refused leaves the clock as it is.
func TestClockEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		for range 2 {
			require.NoError(t, c.advance(100*365*24*time.Hour))
		}
		before := c.now()
		require.EqualError(t, c.advance(100*365*24*time.Hour), "advance by 876000h0m0s: the clock reads "+
			"2199-11-13T00:00:00Z and cannot pass the year 2261, because the SDK's times cannot")
		require.Error(t, c.advance(math.MaxInt64))
		require.EqualError(t, c.advance(-time.Hour), "advance by -1h0m0s: the clock never runs backwards")
		require.Equal(t, before, c.now())

		last := time.Date(2261, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC)
		require.Error(t, c.advance(last.Sub(before)+time.Millisecond))
		require.NoError(t, c.advance(last.Sub(before)))
		require.Equal(t, last, c.now())
	})
}

// A clock that was made outside a synctest bubble, and is used or forked inside one,
// goes on there from where it was; so it does outside again.
func TestClockMovesIntoABubbleAndOut(t *testing.T) {
	var outside, fork, later clock
	outside.now()
	require.NoError(t, outside.advance(48*time.Hour))
	before := outside.last
	synctest.Test(t, func(t *testing.T) {
		outside.fork(&fork)
		time.Sleep(time.Hour)
		require.Equal(t, before.Add(time.Hour), fork.now())
		require.Equal(t, before, outside.peek())
		time.Sleep(time.Until(outside.peek()))
		require.Equal(t, before, outside.peek(), "no time passes outside")
		outside.fork(&later)
		require.Equal(t, time.Now().UTC(), later.now())

		require.Equal(t, before, outside.now())
		time.Sleep(time.Hour)
		require.Equal(t, before.Add(time.Hour), outside.now())
		require.Equal(t, before.Add(time.Hour), outside.peek())
	})
	require.Equal(t, before.Add(time.Hour), outside.peek())
	require.Equal(t, before.Add(time.Hour), outside.now())
	time.Sleep(2 * time.Millisecond)
	require.WithinRange(t, outside.now(), before.Add(time.Hour).Add(time.Millisecond), before.Add(2*time.Hour))
}

// A bubble begins in the year 2000, also the second that a clock comes to.
func TestClockNeverRunsBackwards(t *testing.T) {
	var c clock
	var before time.Time
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			now := c.now()
			require.False(t, now.Before(before))
			time.Sleep(time.Hour)
			require.Equal(t, time.Hour, c.now().Sub(now), "it goes on at its pace")
			before = c.now()
		})
	}
}

func TestForkedClockIsIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c, fork clock
		c.advance(time.Hour)
		c.fork(&fork)
		require.Equal(t, c.now(), fork.now())
		fork.advance(time.Hour)
		require.Equal(t, time.Hour, fork.now().Sub(c.now()))
	})
}

func TestWaitEnds(t *testing.T) {
	end := func(c *clock, cancel, release func()) {}
	for name, step := range map[string]struct {
		end  func(c *clock, cancel, release func())
		err  error
		took time.Duration
	}{
		"as time passes":                 {end, nil, time.Hour},
		"as the clock is advanced":       {func(c *clock, _, _ func()) { c.advance(59 * time.Minute) }, nil, time.Minute},
		"not as it is advanced a little": {func(c *clock, _, _ func()) { c.advance(10 * time.Minute) }, nil, 50 * time.Minute},
		"with the context":               {func(_ *clock, cancel, _ func()) { cancel() }, context.Canceled, time.Minute},
		"as it is released":              {func(_ *clock, _, release func()) { release() }, nil, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c clock
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				released := make(chan struct{})
				go func() {
					time.Sleep(time.Minute)
					step.end(&c, cancel, func() { close(released) })
				}()
				begin := time.Now()
				err := c.wait(ctx, c.now().Add(time.Hour), released)
				require.ErrorIs(t, err, step.err)
				require.Equal(t, step.took, time.Since(begin))
				require.Empty(t, c.waiters)
			})
		})
	}
}

func TestWaitForThePast(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var c clock
	require.NoError(t, c.wait(ctx, c.now(), nil))
}
