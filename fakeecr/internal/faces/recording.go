package faces

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/fakeecr/ecr/fakeecr"
)

// RefusedTB collects what a registry says to its test about a misuse.
type RefusedTB struct{ fakeecr.TB }

func (RefusedTB) Helper() {}

func (RefusedTB) Cleanup(func()) {}

func (RefusedTB) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// RecordingTB is a test that may fail without failing this one.
type RecordingTB struct {
	mu       sync.Mutex
	cleanups []func()
	lines    []string
	failed   bool
}

func (r *RecordingTB) Helper() {}

func (r *RecordingTB) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *RecordingTB) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *RecordingTB) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *RecordingTB) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *RecordingTB) Errorf(format string, args ...any) {
	r.Fail()
	r.Logf(format, args...)
}

func (r *RecordingTB) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(errors.New("fatal"))
}

// End ends the test, and answers what it logged.
func (r *RecordingTB) End() string {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
	return strings.Join(r.lines, "\n")
}
