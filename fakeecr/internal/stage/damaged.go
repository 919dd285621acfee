package stage

import (
	"io"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// damaged is a layer of which the byte at an offset is changed, or no more kept than
// so many bytes.
func damaged(layer registry.Content, flip, keep *int64) registry.Content {
	size, _ := layer.Seek(0, io.SeekEnd) // a layer in memory has an end
	if keep != nil {
		size = min(size, *keep)
	}
	if flip == nil {
		return io.NewSectionReader(layer, 0, size)
	}
	return io.NewSectionReader(flipped{layer, *flip}, 0, size)
}

// flipped is bytes of which the one at an offset is changed.
type flipped struct {
	io.ReaderAt
	at int64
}

// ReadAt implements [io.ReaderAt].
func (f flipped) ReadAt(b []byte, offset int64) (int, error) {
	n, err := f.ReaderAt.ReadAt(b, offset)
	if at := f.at - offset; at >= 0 && at < int64(n) {
		b[at] ^= 0xff
	}
	return n, err
}
