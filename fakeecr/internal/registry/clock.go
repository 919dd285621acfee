package registry

import (
	"context"
	"sync"
	"time"
)

// clock is a world's time: the machine's plus what was advanced, in UTC and in
// milliseconds, the grain of the wire. It never runs backwards, also when it
// moves into a synctest bubble, whose time begins in the year 2000.
type clock struct {
	mu      sync.Mutex
	offset  time.Duration
	last    time.Time
	waiters map[chan struct{}]struct{}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *clock) read() time.Time {
	now := time.Now().UTC().Add(c.offset).Truncate(time.Millisecond)
	if now.Before(c.last) {
		c.offset += c.last.Sub(now)
		now = c.last
	}
	c.last = now
	return now
}

// advance moves the clock and wakes those who wait on it.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read()
	c.offset += d
	c.read()
	for waiter := range c.waiters {
		close(waiter)
	}
	c.waiters = nil
}

func (c *clock) fork() clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clock{offset: c.offset, last: c.last}
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
