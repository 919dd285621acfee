package stage

import (
	"fmt"
	"io"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// damaged is a layer of which the rule changes a byte, or keeps no more than so many.
func (f *firing) damaged(layer *registry.Download) *registry.Download {
	size, _ := layer.Seek(0, io.SeekEnd) // a layer in memory has an end
	first, last := int64(0), size-1
	_, _ = fmt.Sscanf(layer.Range, "bytes=%d-%d", &first, &last) // of one that is wanted whole there is none
	kept := size
	if keep := f.effects.Keep; keep != nil {
		kept = min(size, *keep)
		f.did = f.did || kept <= last
		f.idle = fmt.Sprintf("the layer has %d bytes", size)
	}
	var content registry.Content = io.NewSectionReader(layer, 0, kept)
	if flip := f.effects.Flip; flip != nil {
		f.did = f.did || first <= *flip && *flip <= last && *flip < kept
		f.idle = fmt.Sprintf("of bytes %d to %d none is at %d", first, last, *flip)
		content = io.NewSectionReader(flipped{layer, *flip}, 0, kept)
	}
	return &registry.Download{Content: content, Range: layer.Range}
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
