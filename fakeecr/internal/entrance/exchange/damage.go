package exchange

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/fakeecr/ecr/scenarios"
)

// errCut ends a reply before its end.
var errCut = errors.New("the reply was cut short")

// way is the way of a damaged reply's body.
type way struct {
	ctx    context.Context
	answer *Answer
	// left is how many bytes may pass before the connection ends.
	left int64
	cuts bool
	// end is why nothing passes any more.
	end error
}

func newWay(ctx context.Context, a *Answer) *way {
	w := &way{ctx: ctx, answer: a}
	if a.Reply.Cut != nil {
		w.left, w.cuts = *a.Reply.Cut, true
	}
	return w
}

// begin lets the time pass before the first byte.
func (w *way) begin() error {
	if w.answer.Reply.Lost {
		return scenarios.ErrReplyLost
	}
	if late := w.answer.Reply.Wait; late > 0 {
		return w.answer.Wait(w.ctx, late)
	}
	return nil
}

// pass is how many of n bytes pass now. Where the rule cuts the reply after as
// many as it has, nothing is missing and nothing is cut.
func (w *way) pass(n int) (int, error) {
	if w.cuts && w.left == 0 {
		w.end = errCut
		if w.answer.Reply.Reset {
			w.end = scenarios.ErrConnectionReset
		}
	}
	if w.end != nil {
		return 0, w.end
	}
	if w.cuts {
		n = int(min(int64(n), w.left))
	}
	if rate := w.answer.Reply.BytesPerSecond; rate > 0 {
		n = int(min(int64(n), max(rate/10, 1)))
		if w.end = w.answer.Wait(w.ctx, time.Duration(n)*time.Second/time.Duration(rate)); w.end != nil {
			return 0, w.end
		}
	}
	w.left -= int64(n)
	return n, nil
}

// damagedWriter sends a reply over a socket.
type damagedWriter struct {
	http.ResponseWriter
	way *way
}

// Write implements [io.Writer].
func (d *damagedWriter) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := d.way.pass(len(p) - written)
		if err != nil {
			http.NewResponseController(d.ResponseWriter).Flush()
			return written, err
		}
		n, err = d.ResponseWriter.Write(p[written : written+n])
		written += n
		if err != nil {
			return written, err
		}
		if d.way.answer.Reply.BytesPerSecond > 0 {
			http.NewResponseController(d.ResponseWriter).Flush()
		}
	}
	return written, nil
}

// damagedReader is the body of a reply without a socket.
type damagedReader struct {
	whole io.Reader
	way   *way
}

// Read implements [io.Reader].
func (d *damagedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if d.way.cuts && d.way.left == 0 {
		if n, err := d.whole.Read(p[:1]); n == 0 {
			return 0, err
		}
	}
	n, err := d.way.pass(len(p))
	if err != nil {
		return 0, ConnectionError(d.way.ctx, err)
	}
	read, err := d.whole.Read(p[:n])
	d.way.left += int64(n - read)
	return read, err
}

// ConnectionError is what a client without a socket sees of a connection that ends
// without the whole of an answer.
func ConnectionError(ctx context.Context, err error) error {
	failed := func(op, call string, errno syscall.Errno) error {
		return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(call, errno)}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, scenarios.ErrConnectionRefused):
		return failed("dial", "connect", syscall.ECONNREFUSED)
	case errors.Is(err, scenarios.ErrConnectionReset):
		return failed("read", "read", syscall.ECONNRESET)
	case errors.Is(err, errCut):
		return io.ErrUnexpectedEOF
	default:
		return io.EOF
	}
}
