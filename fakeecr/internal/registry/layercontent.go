package registry

import "io"

// Content is the bytes of a layer, or what a client is given for them.
type Content interface {
	io.ReadSeeker
	io.ReaderAt
}

// open reads the layer from its beginning, in place.
func (l *layer) open() *opened {
	parts := parts(l.parts)
	return &opened{io.NewSectionReader(parts, 0, l.size), parts}
}

// opened is a layer that is read.
type opened struct {
	*io.SectionReader
	parts parts
}

// WriteTo hands the parts to the writer without a copy.
func (o *opened) WriteTo(w io.Writer) (written int64, err error) {
	offset, _ := o.Seek(0, io.SeekCurrent) // which is not before the beginning
	for rest := o.parts.at(offset); rest != nil && err == nil; rest = o.parts.at(offset + written) {
		var n int
		n, err = w.Write(rest)
		written += int64(n)
	}
	o.Seek(offset+written, io.SeekStart)
	return written, err
}

// parts are the bytes of a layer.
type parts [][]byte

// at is what is left from an offset on of the part that it is in, or nil behind the
// last one.
func (p parts) at(offset int64) []byte {
	for _, part := range p {
		if offset < int64(len(part)) {
			return part[offset:]
		}
		offset -= int64(len(part))
	}
	return nil
}

// ReadAt implements [io.ReaderAt].
func (p parts) ReadAt(b []byte, offset int64) (n int, err error) {
	for n < len(b) {
		rest := p.at(offset + int64(n))
		if rest == nil {
			return n, io.EOF
		}
		n += copy(b[n:], rest)
	}
	return n, nil
}
