package registry

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestPartsReadAsOne(t *testing.T) {
	for name, parts := range map[string][]string{"nothing": nil, "one part": {"layer"}, "several parts": {"l", "ay", "e", "r of parts"}} {
		t.Run(name, func(t *testing.T) {
			l := &layer{}
			var whole []byte
			for _, part := range parts {
				l.pieces = append(l.pieces, []byte(part))
				l.size += int64(len(part))
				whole = append(whole, part...)
			}
			p := l.open()
			require.NoError(t, iotest.TestReader(p, whole))
			_, err := p.Seek(-1, io.SeekStart)
			require.Error(t, err)

			for offset := range l.size + 2 {
				_, err := p.Seek(offset, io.SeekStart)
				require.NoError(t, err)
				var rest bytes.Buffer
				n, err := p.WriteTo(&rest)
				require.NoError(t, err)
				want := string(whole[min(offset, l.size):])
				require.Equal(t, want, rest.String())
				require.Equal(t, int64(len(want)), n)
			}
		})
	}
}

func TestPartsStopWithTheirWriter(t *testing.T) {
	p := (&layer{pieces: [][]byte{[]byte("layer"), []byte("of parts")}, size: 13}).open()
	full := &limited{left: 7}
	n, err := p.WriteTo(full)
	require.ErrorIs(t, err, io.ErrShortBuffer)
	require.Equal(t, int64(7), n)
	rest, err := io.ReadAll(io.Reader(struct{ io.Reader }{p}))
	require.NoError(t, err)
	require.Equal(t, " parts", string(rest), "and go on where it stopped")
}

// limited is a writer that takes so many bytes.
type limited struct{ left int }

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	if n < len(b) {
		return n, io.ErrShortBuffer
	}
	return n, nil
}
