package exchange

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// errCut ends a reply before its end.
var errCut = errors.New("the reply was cut short")

// damagedBody is the body of a damaged reply.
type damagedBody struct {
	ctx   context.Context
	reply *stage.Reply
	// sent is how many bytes have passed.
	sent int64
	// end is why nothing passes any more.
	end error
}

// begin lets the time pass before the first byte.
func (d *damagedBody) begin() error {
	if d.reply.Lost {
		return scenarios.ErrReplyLost
	}
	return d.reply.Begin(d.ctx)
}

// pass is how many of n bytes pass now.
func (d *damagedBody) pass(n int) (int, error) {
	if d.end == nil && d.reply.Cuts && d.sent == d.reply.Cut {
		d.end = errCut
		if d.reply.Reset {
			d.end = scenarios.ErrConnectionReset
		}
	}
	if d.end != nil {
		return 0, d.end
	}
	if d.reply.Cuts {
		n = int(min(int64(n), d.reply.Cut-d.sent))
	}
	n, d.end = d.reply.Pass(d.ctx, d.sent, n)
	d.sent += int64(n)
	return n, d.end
}

// damagedWriter sends a reply over a socket.
type damagedWriter struct {
	http.ResponseWriter
	body *damagedBody
}

// Write implements [io.Writer].
func (d *damagedWriter) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := d.body.pass(len(p) - written)
		if err != nil {
			http.NewResponseController(d.ResponseWriter).Flush()
			return written, err
		}
		n, err = d.ResponseWriter.Write(p[written : written+n])
		written += n
		if err != nil {
			return written, err
		}
		if d.body.reply.Slow() {
			http.NewResponseController(d.ResponseWriter).Flush()
		}
	}
	return written, nil
}

// damagedReader is the body of a reply without a socket.
type damagedReader struct {
	whole io.Reader
	body  *damagedBody
}

// Read implements [io.Reader].
func (d *damagedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := d.body.pass(len(p))
	if err != nil {
		return 0, ConnectionError(d.body.ctx, err)
	}
	read, err := d.whole.Read(p[:n])
	d.body.sent -= int64(n - read)
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
