package registry

import (
	"context"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/engine"
)

// examination is the scanner's run over an image. It happens once, on the goroutine of
// the call that asks first, and those who ask meanwhile wait for it.
type examination struct {
	// world is where the scan completed.
	world   *World
	scanner Scanner
	subject ScannedImage

	mu sync.Mutex
	// waiting are the worlds whose scanner runs now, and who waits there. A fork has
	// the same images and does not wait for another world: it may be in a synctest
	// bubble of its own.
	waiting map[*World][]chan struct{}
	over    bool
	found   *findings
	err     error
}

// result is what the scanner found, or the context's error if that ends first.
func (e *examination) result(ctx context.Context, w *World) (*findings, error) {
	if w.stage == nil { // a copy for those who only look
		w = e.world
	}
	e.mu.Lock()
	if e.over {
		defer e.mu.Unlock()
		return e.found, e.err
	}
	if _, busy := e.waiting[w]; busy {
		done := make(chan struct{})
		e.waiting[w] = append(e.waiting[w], done)
		e.mu.Unlock()
		select {
		case <-done:
			return e.found, e.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if e.waiting == nil {
		e.waiting = map[*World][]chan struct{}{}
	}
	e.waiting[w] = nil
	e.mu.Unlock()
	return e.scan(w)
}

// scan runs the scanner, and tells those who wait.
func (e *examination) scan(w *World) (*findings, error) {
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
	for _, waiter := range e.waiting[w] {
		close(waiter)
	}
	delete(e.waiting, w)
}
