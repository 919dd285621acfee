package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/fakeecr/ecr/fakeecr"
)

// mostSnapshots is how many worlds are kept to go back to.
const mostSnapshots = 64

// snapshots are worlds to go back to, by their names.
type snapshots struct {
	mu   sync.Mutex
	kept []*fakeecr.Registry
	// restored ends when the world that is in place is left for one of these.
	restored context.Context
	leave    context.CancelFunc
}

// current is the context of the world that is in place.
func (s *snapshots) current() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.restored == nil {
		s.restored, s.leave = context.WithCancel(context.Background())
	}
	return s.restored
}

// serve serves the world that is in place. A call that is held when the world is left is
// answered 503.
func (s *snapshots) serve(w http.ResponseWriter, req *http.Request, registry func() *fakeecr.Registry) {
	left := s.current()
	ctx, cancel := context.WithCancel(left)
	defer cancel()
	defer context.AfterFunc(req.Context(), cancel)()
	defer func() {
		ended := recover()
		switch {
		case ended == nil:
		case left.Err() != nil && req.Context().Err() == nil:
			http.Error(w, "the world that was asked has been left for a snapshot", http.StatusServiceUnavailable)
		default:
			panic(ended)
		}
	}()
	registry().Handler().ServeHTTP(w, req.WithContext(inWorld{ctx, req.Context()}))
}

// inWorld is the context of a request that ends at once when its world is left, before
// what is played there lets go of it.
type inWorld struct {
	context.Context
	request context.Context
}

// Value implements [context.Context].
func (i inWorld) Value(key any) any { return i.request.Value(key) }

// state answers what the world holds, as JSON.
func (c *control) state(w http.ResponseWriter, _ *http.Request) {
	text, err := json.Marshal(c.registry.Load().Snapshot())
	if err != nil {
		answer(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(text, '\n'))
}

// snapshot keeps the world as it is now and answers a name for it.
func (c *control) snapshot(w http.ResponseWriter, _ *http.Request) {
	s := &c.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == mostSnapshots {
		http.Error(w, fmt.Sprintf("there are %d snapshots, and there is room for no more", mostSnapshots), http.StatusConflict)
		return
	}
	s.kept = append(s.kept, c.registry.Load().Fork(nil))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintln(w, len(s.kept))
}

// difference is how the world differs from a snapshot.
type difference struct {
	Snapshot int
	// Lines are the first of All differences.
	Lines []string
	All   int
}

// linesShown is how many differences the page shows of each snapshot.
const linesShown = 200

// since is how the world differs from its snapshots, the last one first.
func (c *control) since() (all []difference) {
	s := &c.snapshots
	s.mu.Lock()
	kept := slices.Clone(s.kept)
	s.mu.Unlock()
	now := c.registry.Load().Snapshot()
	for i, then := range slices.Backward(kept) {
		changed := then.Inspect()[0].Snapshot().Diff(now)
		d := difference{Snapshot: i + 1, All: len(changed)}
		for _, one := range changed[:min(len(changed), linesShown)] {
			d.Lines = append(d.Lines, one.String())
		}
		all = append(all, d)
	}
	return all
}

// restore goes back to a snapshot: the state is as it was, time goes on, what was played
// ends, and the trace is empty.
func (c *control) restore(w http.ResponseWriter, req *http.Request) {
	name := req.URL.Query().Get("name")
	s := &c.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 || n > len(s.kept) {
		http.Error(w, fmt.Sprintf("there is no snapshot %q", name), http.StatusNotFound)
		return
	}
	world := s.kept[n-1].Fork(nil)
	if passed := c.registry.Load().Now().Sub(world.Now()); passed > 0 {
		world.Advance(passed)
	}
	leave := s.leave
	s.restored, s.leave = context.WithCancel(context.Background())
	if leave != nil {
		leave()
	}
	c.played.begin(world, func() { c.worlds.Add(1); c.registry.Store(world) }, nil)
	w.WriteHeader(http.StatusNoContent)
}
