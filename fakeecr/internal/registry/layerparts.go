package registry

import (
	"bytes"
	_ "crypto/sha512" // which go-digest uses where a program has it
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	godigest "github.com/opencontainers/go-digest"
)

// The sizes of the pieces in which a stream is kept, in bytes: of a stream without
// a length they double from the first to the largest. What is read at once is
// hashed while a core's cache has it.
const (
	firstPiece   = 8 << 10
	largestPiece = 4 << 20
	readAtOnce   = 256 << 10
)

// Part is the bytes of a layer part, which the state keeps without a copy.
type Part struct {
	pieces [][]byte
	size   int64
	// hash is the state behind the part if it was hashed while it came in, then
	// after is the upload that it follows.
	hash  hash.Cloner
	after *upload
	// open tells that the part is what came, whatever that was, and nothing more was
	// said of it.
	open bool
	// broken is why no more came of a part that is kept all the same, or nil.
	broken error
}

// NewPart is a part of bytes that the caller hands over.
func NewPart(blob []byte) *Part {
	return &Part{pieces: [][]byte{blob}, size: int64(len(blob))}
}

// Replaced is the part with other bytes, which the caller hands over.
func (p *Part) Replaced(blob []byte) *Part {
	replaced := NewPart(blob)
	replaced.broken = p.broken
	return replaced
}

// Bytes is a copy of the part's bytes.
func (p *Part) Bytes() []byte { return bytes.Join(p.pieces, nil) }

// hashedAfter is the state of a hash of what an upload has received and the part.
func (p *Part) hashedAfter(u *upload) (hash.Cloner, error) {
	if p.after == u {
		return p.hash, nil
	}
	state, err := u.hash.Clone()
	if err != nil {
		return nil, err
	}
	for _, piece := range p.pieces {
		state.Write(piece)
	}
	return state, nil
}

// Receive reads the part that a stream is, of length bytes or of any number if
// that is negative, for the upload that an input names. The input gets the range
// that it lacks: a part without a first byte begins at the first of the layer or,
// by the specification, follows what was received. Nothing is read of a part that
// the upload will not take. What came of a stream that breaks off is the part in
// ECR; by the specification it is an error, which is an [ErrBrokenOff].
func (w *World) Receive(place Place, endpoint Endpoint, in *ecr.UploadLayerPartInput, body io.Reader, length int64) (part *Part, err error) {
	tx := w.NewTx(place, "")
	part = &Part{open: in.PartFirstByte == nil}
	var u *upload
	if repo, err := tx.repository(in.RegistryId, in.RepositoryName); err == nil {
		u, _ = repo.uploads.Get(*in.UploadId)
	}
	switch {
	case in.PartFirstByte != nil:
	case u != nil && endpoint == SpecEndpoint:
		in.PartFirstByte = aws.Int64(u.size)
	default:
		in.PartFirstByte = aws.Int64(0)
	}
	switch {
	case u == nil:
	case *in.PartFirstByte == u.size:
		err = part.receive(u, body, length, tx.quota(BytesPerLayer)-u.size)
	case part.open:
		part.size = anyOf(body, length)
	}
	if errors.Is(err, ErrBrokenOff) && endpoint != SpecEndpoint {
		part.broken, err = err, nil
		in.PartLastByte = nil
	}
	if in.PartLastByte == nil {
		in.PartLastByte = aws.Int64(max(*in.PartFirstByte+part.size-1, 0))
	}
	return part, err
}

// anyOf is how many bytes a stream has that nobody takes: of one without a length
// it tells whether there is any.
func anyOf(body io.Reader, length int64) int64 {
	if length < 0 {
		n, _ := io.ReadFull(body, make([]byte, 1)) // none is none, for whatever reason
		length = int64(n)
	}
	return length
}

// receive reads a part of length bytes, if that is not negative, and no more than
// shows that it has more than most.
func (p *Part) receive(u *upload, body io.Reader, length, most int64) (err error) {
	if length > most {
		p.size = length
		return nil
	}
	if p.hash, err = u.hash.Clone(); err != nil {
		return err
	}
	p.after = u
	for next := int64(firstPiece); err == nil && p.size <= most; next = min(2*next, largestPiece) {
		if length >= 0 {
			next = min(length-p.size, largestPiece)
		}
		if next == 0 {
			return nil
		}
		err = p.read(body, next)
	}
	switch {
	case err == io.EOF && p.size < length:
		return brokenOff(io.ErrUnexpectedEOF)
	case err == nil, err == io.EOF:
		return nil
	default:
		return brokenOff(err)
	}
}

// ErrBrokenOff is that of a stream that ends before its end.
var ErrBrokenOff = errors.New("the layer part breaks off")

func brokenOff(err error) error { return fmt.Errorf("%w: %w", ErrBrokenOff, err) }

// read adds a piece of so many bytes, or of those that are left.
func (p *Part) read(body io.Reader, size int64) (err error) {
	piece := make([]byte, size)
	n := 0
	for n < len(piece) && err == nil {
		var more int
		more, err = body.Read(piece[n:min(n+readAtOnce, len(piece))])
		p.hash.Write(piece[n : n+more])
		n += more
	}
	if n < len(piece) {
		piece = slices.Clone(piece[:n])
	}
	p.pieces, p.size = append(p.pieces, piece), p.size+int64(n)
	return err
}

// otherDigest is the digest of an upload by another algorithm than SHA-256, if it
// is to be completed with one and the caller's rules allow it. The upload is nil if
// not.
func (tx *Tx) otherDigest(in *ecr.CompleteLayerUploadInput) (u *upload, digest string) {
	if tx.Endpoint != SpecEndpoint {
		return nil, ""
	}
	for _, asked := range in.LayerDigests {
		digest := godigest.Digest(asked)
		if digest.Validate() != nil || digest.Algorithm() == godigest.SHA256 {
			continue
		}
		_, u, err := tx.upload(in.RegistryId, in.RepositoryName, in.UploadId)
		if err != nil {
			return nil, ""
		}
		digester := digest.Algorithm().Digester()
		for _, piece := range u.pieces {
			digester.Hash().Write(piece)
		}
		return u, digester.Digest().String()
	}
	return nil, ""
}
