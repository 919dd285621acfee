package registry

import (
	"context"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/engine"
)

// examination is a scanner's look at an image. It happens once, on the goroutine of
// the call that asks first, and those who ask meanwhile wait for it.
type examination struct {
	// world is where the scan completed.
	world   *World
	scanner Scanner
	subject ScannedImage

	mu sync.Mutex
	// looking are the worlds whose scanner looks now, and who waits there. A fork has
	// the same images and does not wait for another world: it may be in a synctest
	// bubble of its own.
	looking map[*World][]chan struct{}
	over    bool
	found   *findings
	err     error
}

// result is what the scanner found, or the context's error if that ends first.
func (e *examination) result(ctx context.Context, w *World) (*findings, error) {
	if w.stage == nil { // a copy for those who look
		w = e.world
	}
	e.mu.Lock()
	if e.over {
		defer e.mu.Unlock()
		return e.found, e.err
	}
	if _, busy := e.looking[w]; busy {
		looked := make(chan struct{})
		e.looking[w] = append(e.looking[w], looked)
		e.mu.Unlock()
		select {
		case <-looked:
			return e.found, e.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if e.looking == nil {
		e.looking = map[*World][]chan struct{}{}
	}
	e.looking[w] = nil
	e.mu.Unlock()
	return e.look(w)
}

// look has the scanner look, and tells those who wait.
func (e *examination) look(w *World) (*findings, error) {
	var result *findings
	err := engine.ErrNotEnded
	defer func() { e.end(w, result, err) }()
	var found ScanFindings
	var refused error
	if mistake := w.callUser("the scanner", func() { found, refused = e.scanner(e.subject) }); mistake != nil {
		refused = mistake
	}
	if err = refused; err == nil {
		result = &findings{ScanFindings: keepFindings(found)}
	}
	return result, err
}

// end keeps what the scanner found, of several worlds' the first.
func (e *examination) end(w *World, found *findings, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.over, e.found, e.err = true, found, err
	}
	for _, waiter := range e.looking[w] {
		close(waiter)
	}
	delete(e.looking, w)
}
