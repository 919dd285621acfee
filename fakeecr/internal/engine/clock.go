package engine

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// clock is a world's time: the machine's plus what was advanced, in UTC and in
// milliseconds, the grain of the wire. It never runs backwards. When it moves into a
// synctest bubble, whose time begins in the year 2000, or out of one, it goes on from
// its last reading.
type clock struct {
	mu      sync.Mutex
	offset  time.Duration
	last    time.Time
	bubbled bool
	waiters map[chan struct{}]struct{}
}

// machineTime is the time of the machine or of the bubble that the goroutine is in.
// Only times from outside of bubbles have a monotonic reading, which Round strips.
func machineTime() (now time.Time, bubbled bool) {
	now = time.Now()
	bubbled = now == now.Round(0)
	return now.UTC(), bubbled
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

// peek is now for those who only look: it does not move the clock into a bubble or
// out of one. There the clock shows its last reading.
func (c *clock) peek() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, bubbled := machineTime(); bubbled != c.bubbled {
		return c.last
	}
	return c.read()
}

func (c *clock) read() time.Time {
	machine, bubbled := machineTime()
	if bubbled != c.bubbled && !c.last.IsZero() {
		c.offset = c.last.Sub(machine)
	}
	c.bubbled = bubbled
	now := machine.Add(c.offset).Truncate(time.Millisecond)
	if now.Before(c.last) {
		c.offset += c.last.Sub(now)
		now = c.last
	}
	c.last = now
	return now
}

// endOfTime is how far a clock can be advanced. The SDK's clients read and write
// times as nanoseconds since 1970, which end in April 2262; what an answer says of
// the future, as when a token expires, must be before that.
var endOfTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)

// advance moves the clock and wakes those who wait on it.
func (c *clock) advance(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch now := c.read(); {
	case d < 0:
		return fmt.Errorf("advance by %v: the clock never runs backwards", d)
	case d >= endOfTime.Sub(now):
		return fmt.Errorf("advance by %v: the clock reads %s and cannot pass the year %d, because the SDK's times cannot",
			d, now.Format(time.RFC3339), endOfTime.Year()-1)
	}
	c.offset += d
	c.read()
	for waiter := range c.waiters {
		close(waiter)
	}
	c.waiters = nil
	return nil
}

// fork lets a new clock go on from this one's time.
func (c *clock) fork(to *clock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to.offset, to.last, to.bubbled = c.offset, c.last, c.bubbled
	to.read()
}

// wait returns when the clock has reached a time, when released is closed (nil
// never is), or with the context's error.
func (c *clock) wait(ctx context.Context, until time.Time, released <-chan struct{}) error {
	for {
		remaining, advanced := c.watch(until)
		if remaining <= 0 {
			return nil
		}
		timer := time.NewTimer(remaining)
		select {
		case <-timer.C:
		case <-advanced:
		case <-released:
			timer.Stop()
			c.forget(advanced)
			return nil
		case <-ctx.Done():
			timer.Stop()
			c.forget(advanced)
			return ctx.Err()
		}
		timer.Stop()
		c.forget(advanced)
	}
}

func (c *clock) watch(until time.Time) (time.Duration, chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	remaining := until.Sub(c.read())
	if remaining <= 0 {
		return 0, nil
	}
	advanced := make(chan struct{})
	if c.waiters == nil {
		c.waiters = map[chan struct{}]struct{}{}
	}
	c.waiters[advanced] = struct{}{}
	return remaining, advanced
}

func (c *clock) forget(waiter chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiters, waiter)
}
