package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progress tells, on a terminal, what is done and how long the rest will take.
type progress struct {
	to    io.Writer
	all   int
	begun time.Time

	mu sync.Mutex
	n  int
}

// newProgress tells it to a writer, if that is a terminal.
func newProgress(to io.Writer, all int) *progress {
	file, is := to.(*os.File)
	if is {
		info, err := file.Stat()
		is = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if !is {
		to = io.Discard
	}
	return &progress{to: to, all: all, begun: time.Now()}
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	left := time.Since(p.begun) / time.Duration(p.n) * time.Duration(p.all-p.n)
	fmt.Fprintf(p.to, "\r\x1b[K%d of %d variations, about %v left", p.n, p.all, left.Round(time.Second))
}

// end takes the line away.
func (p *progress) end() { fmt.Fprint(p.to, "\r\x1b[K") }
