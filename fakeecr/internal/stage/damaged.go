package stage

import (
	"errors"
	"io"
)

// damaged is a layer of which a byte was changed or the end is missing.
type damaged struct {
	layer io.ReadSeeker
	// flip is the offset of the byte that was changed, or -1.
	flip   int64
	size   int64
	offset int64
}

func newDamaged(layer io.ReadSeeker, flip, keep *int64) *damaged {
	size, _ := layer.Seek(0, io.SeekEnd) // a layer in memory has an end
	d := &damaged{layer: layer, flip: -1, size: size}
	if flip != nil {
		d.flip = *flip
	}
	if keep != nil {
		d.size = min(size, *keep)
	}
	return d
}

// Seek implements [io.Seeker].
func (d *damaged) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += d.offset
	case io.SeekEnd:
		offset += d.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning of the layer")
	}
	d.offset = offset
	return offset, nil
}

// Read implements [io.Reader].
func (d *damaged) Read(b []byte) (int, error) {
	if d.offset >= d.size {
		return 0, io.EOF
	}
	if _, err := d.layer.Seek(d.offset, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := d.layer.Read(b[:min(int64(len(b)), d.size-d.offset)])
	if at := d.flip - d.offset; at >= 0 && at < int64(n) {
		b[at] ^= 0xff
	}
	d.offset += int64(n)
	return n, err
}
