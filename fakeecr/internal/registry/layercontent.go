package registry

import "io"

// Content is the bytes of a layer, or what a client is given for them.
type Content interface {
	io.ReadSeeker
	io.ReaderAt
}

// open reads the layer from its beginning, in place.
func (l *layer) open() *opened {
	pieces := pieces(l.pieces)
	return &opened{io.NewSectionReader(pieces, 0, l.size), pieces}
}

// opened is a layer that is read.
type opened struct {
	*io.SectionReader
	pieces pieces
}

// WriteTo hands the pieces to the writer without a copy.
func (o *opened) WriteTo(w io.Writer) (written int64, err error) {
	offset, _ := o.Seek(0, io.SeekCurrent) // which is not before the beginning
	for rest := o.pieces.at(offset); rest != nil && err == nil; rest = o.pieces.at(offset + written) {
		var n int
		n, err = w.Write(rest)
		written += int64(n)
	}
	o.Seek(offset+written, io.SeekStart)
	return written, err
}

// pieces are the bytes of a layer.
type pieces [][]byte

// at is what is left from an offset on of the piece that it is in, or nil behind the
// last one.
func (p pieces) at(offset int64) []byte {
	for _, piece := range p {
		if offset < int64(len(piece)) {
			return piece[offset:]
		}
		offset -= int64(len(piece))
	}
	return nil
}

// ReadAt implements [io.ReaderAt].
func (p pieces) ReadAt(b []byte, offset int64) (n int, err error) {
	for n < len(b) {
		rest := p.at(offset + int64(n))
		if rest == nil {
			return n, io.EOF
		}
		n += copy(b[n:], rest)
	}
	return n, nil
}
