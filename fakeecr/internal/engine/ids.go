package engine

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"
)

// ids is the source of every id and secret of a world. One seed gives one
// sequence.
type ids struct {
	mu      sync.Mutex
	entropy rand.ChaCha8
	// ahead is the next ids, one after the other: every call takes one, and they are
	// made several at a time.
	ahead string
}

func (i *ids) seed(seed uint64) {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	i.entropy.Seed(key)
}

func (i *ids) uuid() (id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ahead == "" {
		i.ahead = i.several()
	}
	id, i.ahead = i.ahead[:idLength], i.ahead[idLength:]
	return id
}

const idLength = 36

func (i *ids) several() string {
	var texts [16 * idLength]byte
	for at := 0; at < len(texts); at += idLength {
		// As uuid.NewRandomFromReader, which keeps its result where any reader may
		// reach it.
		var id uuid.UUID
		i.entropy.Read(id[:])
		id[6] = id[6]&0x0f | 0x40
		id[8] = id[8]&0x3f | 0x80
		text, _ := id.MarshalText() // never fails
		copy(texts[at:], text)
	}
	return string(texts[:])
}

func (i *ids) fork(to *ids) {
	i.mu.Lock()
	defer i.mu.Unlock()
	to.entropy, to.ahead = i.entropy, i.ahead
}
