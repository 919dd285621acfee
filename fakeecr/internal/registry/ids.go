package registry

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
}

func (i *ids) seed(seed uint64) {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	i.entropy.Seed(key)
}

func (i *ids) uuid() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	// As uuid.NewRandomFromReader, which keeps its result where any reader may
	// reach it.
	var id uuid.UUID
	i.entropy.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

func (i *ids) fork(to *ids) {
	i.mu.Lock()
	defer i.mu.Unlock()
	to.entropy = i.entropy
}
