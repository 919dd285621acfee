package faces

import (
	"bytes"
	"runtime"

	"github.com/opencontainers/go-digest"
)

// DigestOf is the content's digest.
func DigestOf(content []byte) string { return digest.FromBytes(content).String() }

// Repeated is n bytes of a pattern of 16.
func Repeated(pattern []byte, n int) []byte {
	return bytes.Repeat(pattern[:16], n/16+1)[:n]
}

// ReaderFunc is a function as an io.Reader.
type ReaderFunc func([]byte) (int, error)

func (f ReaderFunc) Read(p []byte) (int, error) { return f(p) }

// HeapInUse is how many bytes are in use now.
func HeapInUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one left in pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
