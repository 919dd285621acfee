package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// chunkSize is how much of a layer part's body is held at a time: what fits a core's cache. The members before
// layerPartBlob must fit it too.
const chunkSize = 64 << 10

// readPart reads the body of an UploadLayerPart, of size bytes, through the chunk. The part's base64 is decoded as it
// arrives, so that no more is held than the bytes that stay with the input; the rest of the body is decoded as any
// other, with null for the part. Where anything about the part is odd the whole body is, with what has been decoded
// encoded again.
func readPart(body io.Reader, size int64, chunk []byte, in *ecr.UploadLayerPartInput) error {
	text, err := refill(chunk, nil, body)
	if err != nil {
		return Unreadable(err)
	}
	quote := blobQuote(text)
	if quote < 0 {
		return readAll(io.MultiReader(bytes.NewReader(text), body), size, in, nil)
	}
	head := bytes.NewReader(bytes.Clone(text[:quote]))
	blob := make([]byte, 0, base64.StdEncoding.DecodedLen(int(size)-quote))

	blob, text, plain, err := readBlob(blob, text[quote+1:], chunk, body)
	if err != nil {
		return Unreadable(err)
	}
	if !plain {
		odd := strings.NewReader(`"` + base64.StdEncoding.EncodeToString(blob))
		return readAll(io.MultiReader(head, odd, bytes.NewReader(text), body), size, in, nil)
	}
	err = readAll(io.MultiReader(head, strings.NewReader("null"), bytes.NewReader(text), body), 0, in, nil)
	if err == nil && in.LayerPartBlob == nil {
		in.LayerPartBlob = blob
	}
	return err
}

// readBlob appends what a string of base64 stands for; text is what of the string, and of what follows it, has been
// read into the chunk. It returns the text that it did not decode: what follows the string if that is plain, else what
// follows the last groups of four that were.
func readBlob(blob, text, chunk []byte, body io.Reader) (_, rest []byte, plain bool, err error) {
	for {
		end := bytes.IndexByte(text, '"')
		whole := end
		if end < 0 {
			whole = len(text) &^ 3
		}
		more, ok := appendBase64(blob, text[:whole], end >= 0)
		switch {
		case !ok, end < 0 && whole == 0:
			return blob, text, false, nil
		case end >= 0:
			return more, text[end+1:], true, nil
		}
		blob = more
		if text, err = refill(chunk, text[whole:], body); err != nil {
			return nil, nil, false, err
		}
	}
}

// refill moves what is kept to the front of the chunk and reads until the chunk is full or the body ends.
func refill(chunk, kept []byte, body io.Reader) ([]byte, error) {
	n := copy(chunk, kept)
	more, err := io.ReadFull(body, chunk[n:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return chunk[:n+more], err
}

// blobQuote returns the position of the quote that opens the string of layerPartBlob, -1 if there is none in the head
// of the body.
func blobQuote(head []byte) int {
	s := scanner{text: head}
	if s.take('{') != nil {
		return -1
	}
	for first := true; ; first = false {
		if more, err := s.more('}', first); !more || err != nil {
			return -1
		}
		name, err := s.key()
		if err != nil {
			return -1
		}
		if string(name) == "layerPartBlob" && s.peek() == '"' {
			return s.pos
		}
		if s.skip() != nil {
			return -1
		}
	}
}

// appendBase64 appends what text stands for, which ends the string if last is set. It reports false where text is not
// plain base64, or is more than dst was made for. The decoder passes over line breaks, which no JSON string holds: the
// length tells.
func appendBase64(dst, text []byte, last bool) ([]byte, bool) {
	want := len(text) / 4 * 3
	if len(text)%4 != 0 || want > cap(dst)-len(dst) {
		return dst, false
	}
	if last {
		want -= len(text) - len(bytes.TrimRight(text, "="))
	}
	n, err := base64.StdEncoding.Decode(dst[len(dst):cap(dst)], text)
	return dst[:len(dst)+n], err == nil && n == want
}
